// Who has a mailbox here and who may log in.
//
// Layer:   durable (runtime, mail, sasl, crypto). Owner: one for the process; cores read immutable snapshots.
// Sources: SQLite (accounts.db, kept by `ringpost user` and `ringpost alias`), a passwd-file, and the system's users, whose
//          passwords PAM knows.
// Cost:    a name is a look-up in memory, and so are the keys of SCRAM; a password is hashed in the offload pool, never on a
//          core. Before either, failures() is asked whether the address or the account has to wait.
// Safety:  a login that does not exist has keys of its own for SCRAM, and a hash to be compared with; what is left of a difference
//          in time LoginDesk hides, by which every protocol asks. Passwords are wiped after use.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/accounts/failures.hpp"
#include "ringpost/accounts/options.hpp"
#include "ringpost/accounts/token_check.hpp"
#include "ringpost/base/result.hpp"
#include "ringpost/base/task.hpp"
#include "ringpost/sasl/mechanism.hpp"
#include "ringpost/sasl/server.hpp"
#include "ringpost/shard/core.hpp"

namespace ringpost::accounts {

enum class Login : std::uint8_t {
  accepted,
  refused,
  unavailable,  // nobody could look: PAM or the token's issuer is away
  delayed,      // nobody looked: too many failures before
};
struct LoginAnswer {
  Login login = Login::refused;
  std::string name;  // accepted: the account, as it is written in its source
  Duration wait{};   // delayed: until when
  std::string why;   // unavailable: for the operator, if it is known
};
struct KeysAnswer {
  sasl::ScramKeys keys;
  Duration wait{};  // not 0: too many failures before; there are no keys then
};

// Where an account's mail and files are.
struct User {
  std::string name;                  // as it logs in: "anna" or "anna@example.com"
  std::string home;                  // "" for an account without one
  std::optional<std::uint32_t> uid;  // a user of the system; mail is delivered under this id
  std::optional<std::uint32_t> gid;
  std::optional<std::uint64_t> quota;  // bytes of mail; none: as the configuration has it for all
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
  // Targets of the alias "@domain": of all its names that are neither account nor alias. Asked last.
  virtual const std::vector<std::string>* catch_all(std::string_view /*domain*/) const { return nullptr; }
};

class Snapshot;
struct Entry;
struct Checked;

class Accounts {
 public:
  // Opens (or makes) the database and takes the first snapshot. Blocking: at start, and from commands. `local_domains`: see
  // serve(); commands need none.
  static Result<std::unique_ptr<Accounts>> open(const AccountsOptions& options,
                                                const std::vector<std::string>& local_domains = {});
  ~Accounts();

  // The newest snapshot. Thread-safe; keep it for a session, not for ever.
  std::shared_ptr<const Directory> directory() const;
  // Reads every source again. Blocking: in the offload pool, at reload and after `user` or `alias`.
  Result<void> refresh();
  // The domains of this server, for logins with a domain by accounts without one; from the next refresh() on.
  void serve(const std::vector<std::string>& local_domains);

  // ---- logging in, on any core ----
  // What can be offered just now. SCRAM needs keys of a password, which whoever kept only a hash has not: it is offered when
  // every account that may log in has them. `bound`: TLS gives a channel binding.
  sasl::MechanismSet mechanisms(bool bound) const;
  // The keys for Step::keys; those of nobody for a name that does not exist or has none.
  Task<KeysAnswer> scram_keys(shard::Core& core, IpAddress peer, std::string login);
  // For Step::verify. The credentials are wiped before this resumes. Nobody may act as somebody else (RFC 4616 section 2).
  Task<LoginAnswer> authenticate(shard::Core& core, IpAddress peer, sasl::Credentials credentials);
  // Who is asked about tokens that accounts.token_key cannot judge; at start, before the cores.
  void set_introspection(std::unique_ptr<Introspection> endpoint);

  // ---- for `ringpost user` and `ringpost alias`. Blocking. Errors name the account and the mend. ----
  Result<void> add_user(std::string_view name, std::string_view password,
                        std::optional<std::uint64_t> quota = std::nullopt);
  Result<void> set_password(std::string_view name, std::string_view password);
  Result<void> set_quota(std::string_view name, std::optional<std::uint64_t> quota);
  Result<void> delete_user(std::string_view name);
  struct Listed {
    std::string name, source, home;
    std::optional<std::uint64_t> quota;
    bool scram = false;  // has keys for it
    std::size_t app_passwords = 0;
  };
  Result<std::vector<Listed>> list_users() const;

  struct AppPassword {
    std::string label;
    std::int64_t created = 0;  // seconds since 1970
    std::optional<std::int64_t> last_used;
  };
  // Makes one and returns it: it is shown once and kept nowhere.
  Result<std::string> add_app_password(std::string_view name, std::string_view label, std::int64_t now);
  Result<void> delete_app_password(std::string_view name, std::string_view label);
  Result<std::vector<AppPassword>> list_app_passwords(std::string_view name) const;

  // `address`: a local part, an address, or "@example.com" for the rest of a domain.
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
  Task<LoginAnswer> judge(shard::Core& core, sasl::Credentials credentials);
  Task<Checked> check_password_of(shard::Core& core, const Snapshot& snapshot, const Entry* entry,
                                  const sasl::Credentials& credentials);
  Task<LoginAnswer> judge_token(shard::Core& core, sasl::Credentials credentials);
  std::unique_ptr<State> state_;
};

// Whether mail that claims to come from an address may come from this account: it is the account's own, or an alias of the
// database leads there, or its domain's catch-all does and it is nobody else's. `login` as LoginAnswer has it.
bool owns_address(const Directory& directory, std::string_view login, std::string_view local_part,
                  std::string_view domain);

}  // namespace ringpost::accounts
