#include "ringpost/shaping/slots.hpp"

#include <algorithm>

#include "ringpost/base/assert.hpp"

namespace ringpost::shaping {

bool SlotTable::acquire(std::string_view name, std::uint32_t limit, Waiter waiter) {
  auto found = destinations_.find(name);
  if (found == destinations_.end()) found = destinations_.emplace(std::string(name), Destination{}).first;
  Destination& destination = found->second;
  const auto same_core = [&](const Waiter& other) { return other.core == waiter.core; };
  if (std::ranges::any_of(destination.waiting, same_core)) return false;
  if (destination.waiting.empty() && destination.held < limit) {
    ++destination.held;
    return true;
  }
  destination.waiting.push_back(waiter);
  return false;
}

std::optional<SlotTable::Waiter> SlotTable::release(std::string_view name, std::uint32_t limit) {
  const auto found = destinations_.find(name);
  RP_ASSERT(found != destinations_.end() && found->second.held > 0);
  Destination& destination = found->second;
  --destination.held;
  if (!destination.waiting.empty() && destination.held < limit) {
    const Waiter next = destination.waiting.front();
    destination.waiting.pop_front();
    ++destination.held;
    return next;
  }
  if (destination.held == 0 && destination.waiting.empty()) destinations_.erase(found);
  return std::nullopt;
}

bool SlotTable::leave(std::string_view name, unsigned core) {
  const auto found = destinations_.find(name);
  if (found == destinations_.end()) return false;
  const auto removed =
      std::erase_if(found->second.waiting, [&](const Waiter& other) { return other.core == core; });
  if (found->second.held == 0 && found->second.waiting.empty()) destinations_.erase(found);
  return removed != 0;
}

bool SlotTable::others_wait(std::string_view name, unsigned core) const {
  const auto found = destinations_.find(name);
  return found != destinations_.end() &&
         std::ranges::any_of(found->second.waiting, [&](const Waiter& other) { return other.core != core; });
}

std::uint32_t SlotTable::held(std::string_view name) const {
  const auto found = destinations_.find(name);
  return found == destinations_.end() ? 0 : found->second.held;
}

}  // namespace ringpost::shaping
