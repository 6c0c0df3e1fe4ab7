// The SQLite file of accounts: its schema, how older ones are brought up to it, and every statement on it.
//
// Layer: durable. Blocking; one thread at a time. Names compare without case.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/accounts/accounts.hpp"
#include "ringpost/base/result.hpp"
#include "ringpost/sasl/scram_keys.hpp"
#include "ringpost/tables/sqlite.hpp"

#include "snapshot.hpp"

namespace ringpost::accounts {

class Store {
 public:
  // Makes the file, or brings one of an older Ringpost up to date in one transaction. One of a newer Ringpost is refused.
  static Result<std::unique_ptr<Store>> open(const std::string& path);

  Result<void> read(Snapshot& into);
  // Random, made once: what no stranger can guess and what stays the same over restarts.
  const std::string& secret() const { return secret_; }

  Result<bool> has_user(std::string_view name);
  // False: there is one already.
  Result<bool> add_user(std::string_view name, std::string_view hash, const sasl::ScramKeys& keys,
                        std::optional<std::uint64_t> quota);
  // False, here and below: there is no such user, label or alias.
  Result<bool> set_password(std::string_view name, std::string_view hash, const sasl::ScramKeys& keys);
  // Only if the hash is still that one: a password may have been changed meanwhile.
  Result<void> add_keys(std::string_view name, std::string_view hash, const sasl::ScramKeys& keys);
  Result<bool> set_quota(std::string_view name, std::optional<std::uint64_t> quota);
  Result<bool> delete_user(std::string_view name);
  // The salt that all passwords of a user share and their rounds, without keys; made when there are none yet.
  Result<sasl::ScramKeys> salt_of(std::string_view name, bool fresh);

  Result<std::vector<Accounts::AppPassword>> app_passwords(std::string_view name);
  // False: the label is taken.
  Result<bool> add_app_password(std::string_view name, std::string_view label, const sasl::ScramKeys& keys,
                                std::int64_t now);
  Result<bool> delete_app_password(std::string_view name, std::string_view label);
  Result<void> note_use(std::string_view name, std::string_view label, std::int64_t now);

  Result<void> set_alias(std::string_view address, const std::vector<std::string>& targets);
  Result<bool> delete_alias(std::string_view address);
  Result<std::vector<Accounts::ListedAlias>> aliases();

 private:
  explicit Store(std::unique_ptr<tables::Database> database) : database_(std::move(database)) {}
  Result<void> migrate();
  Result<void> read_secret();
  Result<bool> changed(tables::Statement& statement);
  Result<void> read_users(Snapshot& into);
  Result<void> read_app_passwords(Snapshot& into);
  Result<void> read_aliases(Snapshot& into);
  std::unique_ptr<tables::Database> database_;
  std::string secret_;
};

}  // namespace ringpost::accounts
