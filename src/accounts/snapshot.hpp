// One reading of all sources, immutable: what cores look accounts up in.
//
// Layer: durable. Built in the offload pool or at start.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "ringpost/accounts/accounts.hpp"
#include "ringpost/sasl/scram_keys.hpp"

namespace ringpost::accounts {

// Names compare without case; "anna@example.com" before "anna".
std::string lower_case(std::string_view name);

enum class Source : std::uint8_t { sqlite, passwd_file, system };
std::string_view to_string(Source source);

struct Entry {
  User user;
  Source source = Source::sqlite;
  std::string hash;      // "" when the source has none
  sasl::ScramKeys keys;  // of the password, if has_main_key, then of the application passwords
  bool has_main_key = false;
  std::vector<std::string> app_labels;
  bool locked = false;  // exists, and nobody logs in
  // The label of the application password that a key belongs to; "" for the main one.
  std::string_view label_of(std::size_t key) const;
};

class Snapshot final : public Directory {
 public:
  std::uint64_t number = 0;  // no other of this process has it

  // `local`: the domains of this server, in canonical form.
  explicit Snapshot(std::unordered_set<std::string> local = {}) : local_(std::move(local)) {}

  const User* find(std::string_view local_part, std::string_view domain) const override;
  const std::vector<std::string>* alias(std::string_view local_part, std::string_view domain) const override;
  const std::vector<std::string>* catch_all(std::string_view domain) const override;

  // The first source that has a name wins.
  void add(Entry entry);
  void add_alias(std::string_view address, std::vector<std::string> targets);

  const std::unordered_map<std::string, Entry>& entries() const { return entries_; }
  // The account that a login means, whether or not there is one. In a local domain of which no account is written with it,
  // "Anna@example.com" is "anna": of a whole domain, so that it tells nothing of one name.
  std::string name_of(std::string_view login) const;
  const Entry* login(std::string_view name) const;
  Entry* entry_of(std::string_view name);  // while it is being built

 private:
  std::unordered_set<std::string> local_;
  std::unordered_set<std::string> written_;  // domains that stand in names of accounts
  std::unordered_map<std::string, Entry> entries_;
  std::unordered_map<std::string, std::vector<std::string>> aliases_;  // "@example.com": the rest of a domain
};

}  // namespace ringpost::accounts
