#include "ringpost/access/maildrops.hpp"

#include <algorithm>

namespace ringpost::access {

Maildrops::Taken Maildrops::take(const std::string& user, Duration delay, Instant now) {
  if (drops_.size() >= look_at_) forget(now);
  Drop& drop = drops_[user];
  if (drop.held) return Taken::in_use;
  if (now < drop.free_from) return Taken::too_soon;
  drop = {.held = true, .free_from = now + delay};
  return Taken::yes;
}

void Maildrops::give_up(const std::string& user) {
  drops_.at(user).held = false;
}

// Twice as many before the next look: a login costs the same however many there are.
void Maildrops::forget(Instant now) {
  std::erase_if(drops_, [&](const auto& one) { return !one.second.held && one.second.free_from <= now; });
  look_at_ = std::max(kForgetLeast, 2 * drops_.size());
}

}  // namespace ringpost::access
