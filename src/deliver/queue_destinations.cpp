// Destinations as they come, pause, are suspended and are forgotten; and what operators have ordered for longer.
#include <algorithm>

#include <fmt/format.h>

#include "ringpost/base/assert.hpp"

#include "flow.hpp"
#include "queue.hpp"

namespace ringpost::deliver {

Destination::Destination(Queue& queue, std::string key, std::string of_domain, const Route& by_route)
    : Timer([](Timer& self) {
        auto& destination = static_cast<Destination&>(self);
        destination.owner.reactions_.work(destination);
      }),
      owner(queue),
      name(std::move(key)),
      domain(std::move(of_domain)),
      route(by_route) {}

Destination::~Destination() = default;

void Destination::granted() {
  if (in_line)
    stand_in_line(false);
  else
    granted_early = true;
  ++slots;
  owner.reactions_.work(*this);
}

void Destination::stand_in_line(bool stands) {
  if (stands != in_line) owner.figures_.slots_waiting.add(stands ? 1 : -1);
  in_line = stands;
}

// A mailbox is a destination of its own: a command that hangs holds up the mail of its owner alone.
std::string Queue::key_of(const Route& route, std::string_view domain, std::string_view recipient) {
  return route.via == Via::mailbox ? fmt::format("mailbox:{}", recipient) : route.key(domain);
}

Destination& Queue::destination(const Route& route, std::string_view domain, std::string_view recipient) {
  std::string key = key_of(route, domain, recipient);
  const auto found = destinations_.find(key);
  if (found != destinations_.end()) {
    found->second->route = route;  // a reload may have changed its login
    return *found->second;
  }
  auto made =
      std::make_unique<Destination>(*this, key, std::string(route.via == Via::mx ? domain : ""), route);
  made->suspended = is_suspended(key);
  figures_.destinations.add(1);
  return *destinations_.emplace(std::move(key), std::move(made)).first->second;
}

void Queue::pause(Destination& destination, Duration wait, Setback setback) {
  destination.setback = std::make_shared<const Setback>(std::move(setback));
  destination.ready.splice_front(destination.put_off);
  core_.timers().arm(destination, core_.now() + wait);
  reactions_.work(destination);
}

void Queue::clear_pause(Destination& destination) {
  core_.timers().disarm(destination);
  reactions_.work(destination);
}

void Queue::forget_if_idle(Destination& destination) {
  if (!destination.idle_altogether()) return;
  RP_ASSERT(destination.ready.empty() && destination.put_off.empty() && destination.flows.empty());
  figures_.destinations.add(-1);
  destinations_.erase(destination.name);
}

bool Queue::is_suspended(std::string_view name) const {
  return std::ranges::any_of(suspended_,
                             [&](const std::string& rule) { return rule == "*" || rule == name; });
}

void Queue::suspend(const std::string& name) {
  if (std::ranges::find(suspended_, name) != suspended_.end()) return;
  suspended_.push_back(name);
  for (auto& [key, destination] : destinations_) {
    destination->suspended = is_suspended(key);
    if (destination->suspended && destination->passing > 0) reactions_.work(*destination);
  }
}

void Queue::resume(const std::string& name) {
  if (name == "*")
    suspended_.clear();
  else
    std::erase(suspended_, name);
  for (auto& [key, destination] : destinations_) {
    const bool before = std::exchange(destination->suspended, is_suspended(key));
    if (before && !destination->suspended) reactions_.work(*destination);
  }
}

void Queue::apply(const Directives& directives) {
  suspended_ = directives.suspended;
  hold_rules_.set(directives.rules);
  for (const Directives::Held& held : directives.held) held_.emplace(held.id.value, held.destination);
}

Directives Queue::directives() const {
  Directives directives{.held = {}, .rules = hold_rules_.all(), .suspended = suspended_};
  for (const auto& [id, destination] : held_) directives.held.push_back({MessageId{id}, destination});
  return directives;
}

}  // namespace ringpost::deliver
