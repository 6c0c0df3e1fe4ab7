#include "parking.hpp"

#include <algorithm>

#include "ringpost/base/assert.hpp"
#include "ringpost/deliver/limits.hpp"

namespace ringpost::deliver {

namespace {

std::uint32_t seconds_of(WallTime time) {
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(time.seconds(), 0, UINT32_MAX));
}

}  // namespace

std::uint32_t Parking::line_for(const std::string& destination) {
  const auto [found, added] = by_destination_.try_emplace(destination, 0U);
  if (!added) return found->second;
  if (free_lines_.empty()) {
    found->second = static_cast<std::uint32_t>(lines_.size());
    lines_.emplace_back();
  } else {
    found->second = free_lines_.back();
    free_lines_.pop_back();
  }
  lines_[found->second].destination = destination;
  return found->second;
}

void Parking::count(const Parked& parked, std::int64_t sign) {
  Line& line = lines_[parked.line];
  const auto recipients = static_cast<std::uint64_t>(sign * std::int64_t{parked.recipients});
  line.messages += static_cast<std::uint64_t>(sign);
  (parked.ready != 0 ? line.ready : line.deferred) += recipients;
  const auto age = ages_.try_emplace(parked.arrival / kAgeSlot, 0U).first;
  age->second += recipients;
  if (age->second == 0) ages_.erase(age);
}

void Parking::park(const Guest& guest, const std::string& destination,
                   std::shared_ptr<const std::string> reason) {
  Parked& parked = table_.insert(guest.id);
  parked.wake = seconds_of(guest.wake);
  parked.arrival = seconds_of(guest.arrival);
  parked.line = line_for(destination);
  parked.recipients = guest.recipients & 0x7FFF'FFFFU;
  parked.ready = guest.ready ? 1 : 0;
  Line& line = lines_[parked.line];
  line.oldest = line.messages == 0 ? parked.arrival : std::min(line.oldest, parked.arrival);
  if (reason) line.reason = std::move(reason);
  if (guest.ready) line.backlog.push_back(guest.id.value);
  wakes_[parked.wake / kWakeSlot].push_back(guest.id.value);
  count(parked, 1);
}

void Parking::take(MessageId id) {
  const Parked* parked = table_.find(id);
  RP_ASSERT(parked != nullptr);
  count(*parked, -1);
  const std::uint32_t index = parked->line;
  table_.erase(id);
  Line& line = lines_[index];
  if (line.messages != 0) return;
  by_destination_.erase(line.destination);
  line = {};
  free_lines_.push_back(index);
}

std::optional<MessageId> Parking::due(WallTime now) {
  const std::uint32_t until = seconds_of(now + kWakeAhead) / kWakeSlot;
  while (!wakes_.empty() && wakes_.begin()->first <= until) {
    auto& [slot, ids] = *wakes_.begin();
    while (!ids.empty()) {
      const MessageId id{ids.front()};
      ids.pop_front();
      const Parked* parked = table_.find(id);
      if (parked != nullptr && parked->wake / kWakeSlot == slot) return id;
    }
    wakes_.erase(wakes_.begin());
  }
  return std::nullopt;
}

std::optional<MessageId> Parking::front(const std::string& destination) {
  const auto found = by_destination_.find(destination);
  if (found == by_destination_.end()) return std::nullopt;
  auto& backlog = lines_[found->second].backlog;
  while (!backlog.empty()) {
    const MessageId id{backlog.front()};
    backlog.pop_front();
    const Parked* parked = table_.find(id);
    if (parked != nullptr && parked->ready != 0 && parked->line == found->second) return id;
  }
  return std::nullopt;
}

void Parking::postpone(MessageId id, WallTime wake) {
  Parked* parked = table_.find(id);
  RP_ASSERT(parked != nullptr);
  parked->wake = seconds_of(wake);
  wakes_[parked->wake / kWakeSlot].push_back(id.value);
}

std::optional<WallTime> Parking::next_wake() const {
  if (wakes_.empty()) return std::nullopt;
  return WallTime{std::int64_t{wakes_.begin()->first} * kWakeSlot * 1'000'000'000} +
         (Duration{0} - kWakeAhead);
}

}  // namespace ringpost::deliver
