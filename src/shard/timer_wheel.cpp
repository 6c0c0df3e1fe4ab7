#include "ringpost/shard/timer_wheel.hpp"

#include <algorithm>
#include <bit>
#include <tuple>

#include "ringpost/base/assert.hpp"

namespace ringpost::shard {

namespace {

constexpr std::int64_t kTickNanoseconds = 1'000'000;

std::uint64_t tick_at_or_before(Instant when) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, when.since_start.count()) / kTickNanoseconds);
}
std::uint64_t tick_at_or_after(Instant when) {
  const std::uint64_t tick = tick_at_or_before(when);
  const auto exact = static_cast<std::int64_t>(tick) * kTickNanoseconds;
  return when.since_start.count() > exact ? tick + 1 : tick;
}
Instant instant_of(std::uint64_t tick) {
  constexpr std::int64_t kLast = Duration::max().count() / kTickNanoseconds;
  return {Duration{std::min(static_cast<std::int64_t>(tick), kLast) * kTickNanoseconds}};
}

}  // namespace

TimerWheel::TimerWheel(Instant now) : tick_(tick_at_or_before(now)) {}

void TimerWheel::arm(Timer& timer, Instant deadline) {
  timer.unlink();
  if (deadline == Instant::never()) return;
  timer.deadline_ = deadline;
  timer.sequence_ = sequence_++;
  place(timer);
}

void TimerWheel::place(Timer& timer) {
  const std::uint64_t tick = std::max(tick_at_or_after(timer.deadline_), tick_);
  const std::uint64_t different = (tick ^ tick_) | (kSlots - 1);
  const std::size_t level = (static_cast<std::size_t>(std::bit_width(different)) - 1) / kSlotBits;
  const std::size_t slot = (tick >> (level * kSlotBits)) & (kSlots - 1);
  wheel_[level][slot].push_back(timer);
  occupied_[level] |= std::uint64_t{1} << slot;
}

// The slot that is due first. Slots of a level lie ahead of the present digit, so none has wrapped around.
TimerWheel::Position TimerWheel::first() const {
  for (std::size_t level = 0; level < kLevels; ++level) {
    while (occupied_[level] != 0) {
      const auto slot = static_cast<std::size_t>(std::countr_zero(occupied_[level]));
      if (!wheel_[level][slot].empty()) {
        const std::size_t shift = level * kSlotBits;
        const std::uint64_t above = tick_ >> (shift + kSlotBits) << (shift + kSlotBits);
        return {level, slot, above | (std::uint64_t{slot} << shift)};
      }
      occupied_[level] &= ~(std::uint64_t{1} << slot);
    }
  }
  return {};
}

// Brings the wheel to `now`: what is due goes to due_ in its order, what a new digit brings nearer cascades.
void TimerWheel::collect_due(std::uint64_t now) {
  for (Position at = first(); at.level < kLevels && at.tick <= now; at = first()) {
    tick_ = at.tick;
    List& slot = wheel_[at.level][at.slot];
    occupied_[at.level] &= ~(std::uint64_t{1} << at.slot);
    while (Timer* timer = slot.pop_front()) {
      if (at.level == 0)
        sorting_.push_back(timer);
      else
        place(*timer);
    }
  }
  tick_ = std::max(tick_, now);
  std::ranges::sort(sorting_, {},
                    [](const Timer* timer) { return std::tuple(timer->deadline_, timer->sequence_); });
  for (Timer* timer : sorting_) due_.push_back(*timer);
  sorting_.clear();
}

std::size_t TimerWheel::fire_due(std::size_t count_max) {
  std::size_t count = 0;
  while (count < count_max) {
    // One that a firing timer disarms or destroys has left the list by then.
    Timer* timer = due_.pop_front();
    if (timer == nullptr) break;
    ++count;
    timer->fire(*timer);
  }
  return count;
}

std::size_t TimerWheel::advance(Instant now, std::size_t count_max) {
  RP_ASSERT(!advancing_);
  advancing_ = true;
  collect_due(tick_at_or_before(now));
  const std::size_t count = fire_due(count_max);
  advancing_ = false;
  return count;
}

Instant TimerWheel::next() const {
  if (!due_.empty()) return instant_of(tick_);
  const Position at = first();
  return at.level == kLevels ? Instant::never() : instant_of(at.tick);
}

}  // namespace ringpost::shard
