#include "ringpost/net/visitors.hpp"

namespace ringpost::net {

void Visitors::come() {
  open_gauge_.set(static_cast<std::int64_t>(++open_));
}

void Visitors::go() {
  open_gauge_.set(static_cast<std::int64_t>(--open_));
  changed_.notify_all();
}

void Visitors::go(Door& door) {
  door.listener.ended();
  go();
}

void Visitors::drain() {
  draining_ = true;
  for (const auto& door : doors_) door->listener.stop();
  guests_.for_each([](Guest& guest) { guest.nudge(); });
}

Task<void> Visitors::stopped() {
  for (const auto& door : doors_) co_await door->listener.stopped();
  while (open_ > 0) co_await changed_.wait();
}

void Visitors::abort() {
  guests_.for_each([](Guest& guest) { guest.abort(); });
}

std::uint64_t Visitors::load(std::size_t index) const {
  std::uint64_t sum = 0;
  for (const auto& door : doors_)
    if (door->index == index) sum += door->listener.connections_everywhere();
  return sum;
}

}  // namespace ringpost::net
