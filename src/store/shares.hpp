// Whose access lists name whom, over all cores: where LIST has to look for mailboxes of others.
//
// Layer: durable, private. Locked: of no owner, and used on any core. Each owner's lists change on one core only.
// Limits: kAccessIdentifiersMax names for each owner; kOwnersAtOnce are told at once.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace ringpost::store {

class Shares {
 public:
  // An identifier is now in some list of the owner, or in none any more.
  void set(std::string_view owner, std::string_view identifier, bool there);

  // See Store.
  std::vector<std::string> owners(std::string_view reader, std::string_view after = {}) const;
  bool has(std::string_view owner, std::string_view reader) const;

 private:
  using Owners = std::set<std::string, std::less<>>;
  const Owners& naming(std::string_view identifier) const;  // under the lock

  mutable std::mutex mutex_;
  std::map<std::string, Owners, std::less<>> owners_;  // by identifier; none is empty
};

}  // namespace ringpost::store
