// Who has a mailbox here and who may log in.
//
// Layer:   durable (runtime, mail, sasl, crypto). Owner: one for the process; cores read immutable snapshots.
// Sources: SQLite (accounts.db, kept by `ringpost user` and `ringpost alias`), a passwd-file, and the system's users.
// Cost:    exists() is a look-up in memory; verify() hashes in the offload pool, never on a core.
// Safety:  a login that does not exist costs the same time as a wrong password; passwords are wiped after use.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/accounts/options.hpp"
#include "ringpost/base/result.hpp"
#include "ringpost/base/task.hpp"
#include "ringpost/sasl/secret.hpp"
#include "ringpost/shard/core.hpp"

namespace ringpost::accounts {

enum class Login : std::uint8_t { accepted, refused, unavailable };

// Where an account's mail and files are.
struct User {
  std::string name;                  // as it logs in: "anna" or "anna@example.com"
  std::string home;                  // "" for an account without one
  std::optional<std::uint32_t> uid;  // a user of the system; mail is delivered under this id
  std::optional<std::uint32_t> gid;
};

// What was known at one moment. Immutable, shared by all cores; never blocks.
class Directory {
 public:
  virtual ~Directory() = default;
  // By full address first ("anna@example.com"), then by local part alone. Nullptr: no such account.
  virtual const User* find(std::string_view local_part, std::string_view domain) const = 0;
  // Targets of an alias kept by `ringpost alias`, or nullptr.
  virtual const std::vector<std::string>* alias(std::string_view local_part,
                                                std::string_view domain) const = 0;
};

class Accounts {
 public:
  // Opens (or makes) the database and takes the first snapshot. Blocking: at start, and from commands.
  static Result<std::unique_ptr<Accounts>> open(const AccountsOptions& options);
  ~Accounts();

  // The newest snapshot. Thread-safe; keep it for a session, not for ever.
  std::shared_ptr<const Directory> directory() const;
  // Reads every source again. Blocking: in the offload pool, at reload and after `user` or `alias`.
  Result<void> refresh();
  // `password` is wiped before this resumes.
  Task<Login> verify(shard::Core& core, std::string login, sasl::Secret password);

  // For `ringpost user` and `ringpost alias`. Blocking. Errors name the account and the mend.
  Result<void> add_user(std::string_view name, std::string_view password);
  Result<void> set_password(std::string_view name, std::string_view password);
  Result<void> delete_user(std::string_view name);
  struct Listed {
    std::string name, source, home;
  };
  Result<std::vector<Listed>> list_users() const;
  Result<void> add_alias(std::string_view address, const std::vector<std::string>& targets);
  Result<void> delete_alias(std::string_view address);
  struct ListedAlias {
    std::string address;
    std::vector<std::string> targets;
  };
  Result<std::vector<ListedAlias>> list_aliases() const;

  struct State;

 private:
  explicit Accounts(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace ringpost::accounts
