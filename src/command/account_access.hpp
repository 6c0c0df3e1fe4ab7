// What `user` and `alias` share: the database opened as the server's user, a running server told, a password asked for.
#pragma once

#include <functional>
#include <string>

#include "ringpost/accounts/accounts.hpp"

#include "context.hpp"

namespace ringpost::command {

// Typed twice without echo, or a line of standard input.
Result<std::string> ask_password(const Context& context);

// One that is there already: typed once.
Result<std::string> ask_known_password(const Context& context);

using Change = std::function<Result<void>(accounts::Accounts&)>;
// Changes the database, then tells a running server; says `done`, and with --json whether it was told.
int change_accounts(Context& context, const Change& change, const std::string& done);
// The same, but what it says is up to `say`, which is told whether the server knows.
int change_accounts(Context& context, const Change& change, const std::function<void(bool told)>& say);
// Reads only, but the database's side files must not come to belong to root either.
int with_accounts(Context& context, const std::function<Result<void>(const accounts::Accounts&)>& show);

}  // namespace ringpost::command
