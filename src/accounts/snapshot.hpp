// One reading of all sources, immutable: what cores look accounts up in.
//
// Layer: durable. Built in the offload pool or at start.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ringpost/accounts/accounts.hpp"

namespace ringpost::accounts {

// Names compare without case; "anna@example.com" before "anna".
std::string lower_case(std::string_view name);

class Snapshot final : public Directory {
 public:
  const User* find(std::string_view local_part, std::string_view domain) const override;
  const std::vector<std::string>* alias(std::string_view local_part, std::string_view domain) const override;

  // The first source that has a name wins.
  void add(User user, std::string source, std::string hash);
  void add_alias(std::string_view address, std::vector<std::string> targets);

  struct Entry {
    User user;
    std::string source;
    std::string hash;  // "" when the source has none
  };
  const std::unordered_map<std::string, Entry>& entries() const { return entries_; }
  // The hash to check for this login; "" when there is none.
  std::string_view hash(std::string_view login) const;

 private:
  std::unordered_map<std::string, Entry> entries_;
  std::unordered_map<std::string, std::vector<std::string>> aliases_;
};

}  // namespace ringpost::accounts
