// One reading of all sources, immutable: what cores look accounts up in.
//
// Layer: durable. Built in the offload pool or at start.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
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

  const User* find(std::string_view local_part, std::string_view domain) const override;
  const std::vector<std::string>* alias(std::string_view local_part, std::string_view domain) const override;
  const std::vector<std::string>* catch_all(std::string_view domain) const override;

  // The first source that has a name wins.
  void add(Entry entry);
  void add_alias(std::string_view address, std::vector<std::string> targets);

  const std::unordered_map<std::string, Entry>& entries() const { return entries_; }
  const Entry* login(std::string_view name) const;
  Entry* entry_of(std::string_view name);  // while it is being built

 private:
  std::unordered_map<std::string, Entry> entries_;
  std::unordered_map<std::string, std::vector<std::string>> aliases_;  // "@example.com": the rest of a domain
};

}  // namespace ringpost::accounts
