// Whose a sender address is.
#include <vector>

#include "ringpost/accounts/accounts.hpp"
#include "ringpost/accounts/limits.hpp"
#include "ringpost/mail/address.hpp"

#include "snapshot.hpp"

namespace ringpost::accounts {

namespace {

struct Place {
  std::string local_part;
  std::string domain;
  unsigned depth = 0;
};

Place place_of(std::string_view target, std::string_view domain, unsigned depth) {
  const auto [local_part, of_target] = mail::split_address(target);
  return {mail::unquote_local_part(local_part), std::string(of_target.empty() ? domain : of_target), depth};
}

}  // namespace

bool owns_address(const Directory& directory, std::string_view login, std::string_view local_part,
                  std::string_view domain) {
  const std::string wanted = lower_case(login);
  std::vector<Place> places{{std::string(local_part), std::string(domain), 0}};
  for (std::size_t i = 0; i < places.size() && places.size() <= kOwnerTargetsMax; ++i) {
    const Place place = places[i];
    const User* user = directory.find(place.local_part, place.domain);
    if (user != nullptr && lower_case(user->name) == wanted) return true;
    if (place.depth == kOwnerDepthMax) continue;
    const auto* targets = directory.alias(place.local_part, place.domain);
    if (targets == nullptr && user == nullptr) targets = directory.catch_all(place.domain);
    if (targets == nullptr) continue;
    for (const std::string& target : *targets)
      places.push_back(place_of(target, place.domain, place.depth + 1));
  }
  return false;
}

}  // namespace ringpost::accounts
