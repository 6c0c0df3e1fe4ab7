// `mailbox ...`: what the commands of its files share.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "ringpost/migrate/imap.hpp"

#include "context.hpp"
#include "families.hpp"

namespace ringpost::command {

// The mailboxes of a user of the running server, without a login. Nothing: it was complained about, and `exit_code` says how to end.
struct OpenedMailboxes {
  std::unique_ptr<migrate::ImapServer> server;
  int exit_code = kDone;
};
// `alone`: refused while another one that asked for it is open.
OpenedMailboxes open_mailboxes(const Context& context, const std::string& user, bool alone = false);

void add_mailbox_move_commands(CLI::App& family, Registry& registry);  // import, export

}  // namespace ringpost::command
