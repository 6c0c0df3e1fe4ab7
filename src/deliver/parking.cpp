#include "parking.hpp"

#include <algorithm>
#include <utility>

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

std::uint32_t Parking::line_for(std::string_view destination, std::string_view domain) {
  if (const auto known = by_destination_.find(destination); known != by_destination_.end())
    return known->second;
  const auto found = by_destination_.emplace(destination, 0U).first;
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

namespace {
std::uint64_t& recipients_in(Parking::Line& line, Place place) {
  return place == Place::ready ? line.ready : place == Place::deferred ? line.deferred : line.held;
}
}  // namespace

void Parking::count(const Parked& parked, std::int64_t sign) {
  std::uint64_t all = 0;
  for_each_part(parked, [&](const ParkedPart& part) {
    Line& line = lines_[part.line];
    const auto recipients = static_cast<std::uint64_t>(sign * std::int64_t{part.recipients});
    line.messages += static_cast<std::uint64_t>(sign);
    recipients_in(line, part.place()) += recipients;
    all += recipients;
  });
  const auto age = ages_.try_emplace(parked.arrival / kAgeSlot, 0U).first;
  age->second += all;
  if (age->second == 0) ages_.erase(age);
}

void Parking::set_wake(Parked& parked, WallTime wake) {
  parked.wake = seconds_of(wake);
  std::uint32_t& earliest = earliest_[Table::part_of_id({parked.id})];
  earliest = std::min<std::uint32_t>(earliest, parked.wake);
  lowest_ = std::min(lowest_, earliest);
}

// A part takes its place in the line of its destination.
ParkedPart Parking::join(const Guest& guest, const GuestPart& part) {
  const std::uint32_t index = line_for(part.destination, part.domain);
  Line& line = lines_[index];
  const std::uint32_t arrival = seconds_of(guest.arrival);
  line.oldest = line.messages == 0 ? arrival : std::min(line.oldest, arrival);
  if (part.reason) line.reason = part.reason;
  if (part.place == Place::ready) {
    if (!line.backlog) line.backlog = std::make_unique<std::deque<std::uint64_t>>();
    line.backlog->push_back(guest.id.value);
  }
  return {.line = index & ((1U << 22) - 1),
          .in = (part.due_when_released ? kHeldDue : static_cast<std::uint32_t>(part.place)) & 7U,
          .recipients = part.recipients};
}

std::size_t Parking::keep(std::vector<ParkedPart> parts) {
  parts.shrink_to_fit();
  std::size_t index = several_.size();
  if (free_several_.empty()) {
    several_.emplace_back();
  } else {
    index = free_several_.back();
    free_several_.pop_back();
  }
  several_[index] = std::make_unique<std::vector<ParkedPart>>(std::move(parts));
  return index;
}

void Parking::park(const Guest& guest, std::span<const GuestPart> parts) {
  RP_ASSERT(has_room(parts.size()) && !parts.empty());
  std::vector<ParkedPart> joined;
  for (const GuestPart& part : parts) joined.push_back(join(guest, part));
  Parked& parked = table_.insert(guest.id);
  parked.arrival = seconds_of(guest.arrival);
  parked.dated = guest.dated ? 1 : 0;
  if (joined.size() == 1 && joined[0].recipients <= kRecipientsMax) {
    parked.line = joined[0].line;
    parked.recipients = joined[0].recipients & kRecipientsMax;
    parked.in = joined[0].in;
  } else {
    const std::size_t index = keep(std::move(joined));
    parked.line = index & ((1U << 22) - 1);
    parked.recipients = (index >> 22U) & kRecipientsMax;
    parked.in = Parked::kSeveral;
  }
  set_wake(parked, guest.wake);
  count(parked, 1);
}

void Parking::take(MessageId id) {
  const Parked* parked = table_.find(id);
  RP_ASSERT(parked != nullptr);
  count(*parked, -1);
  if (!parked->is_several()) {
    leave(parked->line);
  } else {
    const std::size_t index = several_of(*parked);
    const Several parts = std::exchange(several_[index], nullptr);
    for (const ParkedPart& part : *parts) leave(part.line);
    free_several_.push_back(index);
  }
  table_.erase(id);
}

// With its last message a line ends.
void Parking::leave(std::uint32_t index) {
  Line& line = lines_[index];
  if (line.messages != 0 || line.destination.empty()) return;
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
  RP_ASSERT(parked != nullptr && !parked->is_several() && parked->place() != Place::ready);
  count(*parked, -1);
  parked->in = static_cast<std::uint32_t>(Place::ready) & 7U;
  parked->dated = 1;
  set_wake(*parked, wake);
  count(*parked, 1);
  Line& line = lines_[parked->line];
  if (!line.backlog) line.backlog = std::make_unique<std::deque<std::uint64_t>>();
  line.backlog->push_back(id.value);
}

void Parking::change_place(MessageId id, std::size_t part, std::uint32_t in) {
  Parked* parked = table_.find(id);
  RP_ASSERT(parked != nullptr);
  const auto move = [&](auto& what) {
    Line& line = lines_[what.line];
    recipients_in(line, what.place()) -= what.recipients;
    what.in = in & 7U;
    recipients_in(line, what.place()) += what.recipients;
    if (line.ready == 0) line.backlog.reset();  // else each hold and release of a line would make it longer
  };
  parked->is_several() ? move(several_[several_of(*parked)]->at(part)) : move(*parked);
}

void Parking::hold(MessageId id, std::size_t part) {
  const bool ready = place_in(in_of(*table_.find(id), part)) == Place::ready;
  change_place(id, part, ready ? kHeldDue : static_cast<std::uint32_t>(Place::held));
}

void Parking::let_go(MessageId id, std::size_t part, WallTime now) {
  Parked* parked = table_.find(id);
  const bool due = in_of(*parked, part) == kHeldDue;
  change_place(id, part, static_cast<std::uint32_t>(Place::deferred));
  if (!due) return;
  parked->dated = 0;
  set_wake(*parked, now);
  if (due_.size() < kDueMax) due_.push_back(id.value);
}

void Parking::rest(MessageId id, WallTime date) {
  Parked* parked = table_.find(id);
  RP_ASSERT(parked != nullptr);
  std::size_t parts = 0;
  for_each_part(*parked, [&](const ParkedPart&) { ++parts; });
  for (std::size_t part = 0; part < parts; ++part) change_place(id, part, kHeldDue);
  parked->dated = 1;
  set_wake(*parked, date);
}

bool Parking::waits_in(const Parked& parked, std::uint32_t line) const {
  bool waits = false;
  for_each_part(parked, [&](const ParkedPart& part) {
    waits = waits || (part.place() == Place::ready && part.line == line);
  });
  return waits;
}

std::optional<MessageId> Parking::front(const std::string& destination) {
  const auto found = by_destination_.find(destination);
  if (found == by_destination_.end()) return std::nullopt;
  auto& backlog = lines_[found->second].backlog;
  while (backlog && !backlog->empty()) {
    const MessageId id{backlog->front()};
    backlog->pop_front();
    const Parked* parked = table_.find(id);
    if (parked != nullptr && waits_in(*parked, found->second)) return id;
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
  lowest_ = *std::ranges::min_element(earliest_);
}

std::optional<WallTime> Parking::next_sweep(WallTime now) const {
  if (table_.size() == 0) return std::nullopt;
  const Duration step = kSweepRound / static_cast<std::int64_t>(Table::kParts);
  const WallTime first = time_of(lowest_) + (Duration{0} - kLead);
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
