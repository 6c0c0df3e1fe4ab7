// What an Accounts consists of.
//
// Layer: durable, private to accounts.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "ringpost/accounts/accounts.hpp"
#include "ringpost/accounts/limits.hpp"
#include "ringpost/shard/limits.hpp"

#include "pam.hpp"
#include "recent_table.hpp"
#include "snapshot.hpp"
#include "store.hpp"

namespace ringpost::accounts {

// The outcome of hashing.
struct Checked {
  Login login = Login::refused;
  std::optional<std::size_t> key;  // of Entry::keys; nullopt: the hash or PAM said yes
  bool again = false;              // it was right a while ago, and noted then
};

struct Accounts::State {
  struct RightPasswords : RecentTable<Checked> {
    RightPasswords() : RecentTable(kPasswordsKeptMax) {}
  };

  AccountsOptions options;
  std::unique_ptr<Store> store;
  mutable std::mutex mutex;  // the store and refresh(); never taken by a core
  std::atomic<std::shared_ptr<const Snapshot>> snapshot;
  std::atomic<bool> scram_for_all = false;
  std::unique_ptr<Failures> failures;
  std::unique_ptr<TokenCheck> tokens;
  std::vector<RightPasswords> right_passwords{shard::kCoresMax};  // by core, touched by that core alone
  std::string right_passwords_key;
  std::uint64_t snapshots = 0;                    // with mutex held
  std::unordered_set<std::string> local_domains;  // the same; canonical

  bool asks(std::string_view passdb) const;
  bool may_log_in(const Entry& entry) const;
  RecentId id_of(const Snapshot& then, const Entry& entry, std::string_view password) const;
  // Keys that no password has, the same for a name every time.
  sasl::ScramKeys keys_of_nobody(std::string_view login) const;
  // The keys to try a password of this login against.
  sasl::ScramKeys keys(const Entry* entry, std::string_view login) const;
};

TokenRules token_rules(const AccountsOptions& options);

// Not on a core.
Checked check_login(const Accounts::State& state, const Entry* entry, std::string_view login,
                    std::string_view password);
// After a login was accepted: what is worth writing down. Not on a core.
void note_login(Accounts::State& state, const Entry& entry, const Checked& checked, std::string_view password,
                std::int64_t now);

}  // namespace ringpost::accounts
