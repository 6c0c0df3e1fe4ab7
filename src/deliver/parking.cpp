#include "parking.hpp"

#include <algorithm>

#include "ringpost/base/assert.hpp"
#include "ringpost/deliver/limits.hpp"

namespace ringpost::deliver {

namespace {

std::uint32_t seconds_of(WallTime time) {
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(time.seconds(), 0, UINT32_MAX));
}
WallTime time_of(std::uint32_t seconds) {
  return {std::int64_t{seconds} * 1'000'000'000};
}

// Whoever is wanted before a sweep comes by again, and can be read, is told of now.
constexpr Duration kLead = kWakeAhead + kSweepRound;

}  // namespace

std::uint32_t Parking::line_for(const std::string& destination, const std::string& domain) {
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
  lines_[found->second].domain = domain;
  return found->second;
}

void Parking::count(const Parked& parked, std::int64_t sign) {
  Line& line = lines_[parked.line];
  const auto recipients = static_cast<std::uint64_t>(sign * std::int64_t{parked.recipients});
  line.messages += static_cast<std::uint64_t>(sign);
  (parked.place() == Place::ready      ? line.ready
   : parked.place() == Place::deferred ? line.deferred
                                       : line.held) += recipients;
  const auto age = ages_.try_emplace(parked.arrival / kAgeSlot, 0U).first;
  age->second += recipients;
  if (age->second == 0) ages_.erase(age);
}

void Parking::set_wake(Parked& parked, WallTime wake) {
  parked.wake = seconds_of(wake);
  std::uint32_t& earliest = earliest_[Table::part_of_id({parked.id})];
  earliest = std::min<std::uint32_t>(earliest, parked.wake);
}

void Parking::park(const Guest& guest, const std::string& destination, const std::string& domain,
                   std::shared_ptr<const std::string> reason) {
  RP_ASSERT(has_room(guest.recipients));
  Parked& parked = table_.insert(guest.id);
  parked.arrival = seconds_of(guest.arrival);
  parked.line = line_for(destination, domain) & ((1U << 22) - 1);
  parked.recipients = guest.recipients & kRecipientsMax;
  parked.dated = guest.dated ? 1 : 0;
  parked.in = static_cast<std::uint32_t>(guest.place) & 7U;
  set_wake(parked, guest.wake);
  Line& line = lines_[parked.line];
  line.oldest = line.messages == 0 ? std::uint32_t{parked.arrival}
                                   : std::min<std::uint32_t>(line.oldest, parked.arrival);
  if (reason) line.reason = std::move(reason);
  if (guest.place == Place::ready) {
    if (!line.backlog) line.backlog = std::make_unique<std::deque<std::uint64_t>>();
    line.backlog->push_back(guest.id.value);
  }
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

void Parking::postpone(MessageId id, WallTime wake) {
  Parked* parked = table_.find(id);
  RP_ASSERT(parked != nullptr);
  set_wake(*parked, wake);
}

void Parking::make_ready(MessageId id, WallTime wake) {
  Parked* parked = table_.find(id);
  RP_ASSERT(parked != nullptr && parked->place() != Place::ready);
  count(*parked, -1);
  parked->in = static_cast<std::uint32_t>(Place::ready) & 7U;
  parked->dated = 1;
  set_wake(*parked, wake);
  count(*parked, 1);
  Line& line = lines_[parked->line];
  if (!line.backlog) line.backlog = std::make_unique<std::deque<std::uint64_t>>();
  line.backlog->push_back(id.value);
}

std::optional<MessageId> Parking::front(const std::string& destination) {
  const auto found = by_destination_.find(destination);
  if (found == by_destination_.end()) return std::nullopt;
  auto& backlog = lines_[found->second].backlog;
  while (backlog && !backlog->empty()) {
    const MessageId id{backlog->front()};
    backlog->pop_front();
    const Parked* parked = table_.find(id);
    if (parked != nullptr && parked->place() == Place::ready && parked->line == found->second) return id;
  }
  backlog.reset();
  return std::nullopt;
}

// ---- those whose time comes

void Parking::sweep(WallTime now) {
  if (due_.size() >= kDueMax) return;  // they come first; the same share is looked at when they are gone
  const std::size_t share = next_share_;
  next_share_ = (next_share_ + 1) % Table::kParts;
  const std::uint32_t until = seconds_of(now + kLead);
  if (earliest_[share] > until) return;
  std::uint32_t earliest = UINT32_MAX;
  table_.for_each_in(share, [&](const Parked& parked) {
    if (parked.wake <= until)
      due_.push_back(std::uint64_t{parked.id});
    else
      earliest = std::min<std::uint32_t>(earliest, parked.wake);
  });
  // Who is told of now and stays is told of again.
  earliest_[share] = due_.empty() ? earliest : std::min(earliest, until);
}

std::optional<WallTime> Parking::next_sweep(WallTime now) const {
  if (table_.size() == 0) return std::nullopt;
  const Duration step = kSweepRound / static_cast<std::int64_t>(Table::kParts);
  const WallTime first = time_of(*std::ranges::min_element(earliest_)) + (Duration{0} - kLead);
  return std::max(first, now + step);
}

std::optional<MessageId> Parking::due(WallTime now) {
  const std::uint32_t until = seconds_of(now + kLead);
  while (!due_.empty()) {
    const MessageId id{due_.front()};
    due_.pop_front();
    const Parked* parked = table_.find(id);
    if (parked != nullptr && parked->wake <= until) return id;
  }
  return std::nullopt;
}

}  // namespace ringpost::deliver
