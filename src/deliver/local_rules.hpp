// What local deliveries go by: one reading of the configuration and the aliases file.
//
// Layer: services, private. Immutable; a delivery keeps the one it began with.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>

#include "ringpost/deliver/local.hpp"
#include "ringpost/mail/aliases.hpp"

#include "local_location.hpp"

namespace ringpost::deliver {

struct LocalRules {
  static Result<std::shared_ptr<const LocalRules>> make(LocalSettings settings);
  bool is_local(std::string_view domain) const { return local_domains.contains(std::string(domain)); }

  LocalSettings settings;
  mail::AliasTable aliases;
  Location location;
  std::unordered_set<std::string> local_domains;  // canonical, with our own name
};

// Errors name the line, what is wrong and the mend.
Result<mail::AliasTable> read_aliases(std::string_view text);
std::string lower(std::string_view text);

}  // namespace ringpost::deliver
