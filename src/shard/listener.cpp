#include "ringpost/shard/listener.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "ringpost/base/assert.hpp"

#include "closing.hpp"
#include "core_figures.hpp"

namespace ringpost::shard {

namespace {

// The error belongs to one connection that broke while it waited; the next may be fine.
bool of_one_connection(std::int32_t error) {
  return error == -ECONNABORTED || error == -EPROTO || error == -EINTR || error == -EPERM;
}

}  // namespace

Listener::Listener(Core& core, unsigned slot, io::Handle listening, Accepted accepted)
    : io::Operation(&Listener::completed),
      Timer(&Listener::pause_over),
      core_(core),
      slot_(slot),
      listening_(listening),
      accepted_(std::move(accepted)),
      ended_(core) {
  RP_ASSERT(slot < kListenersMax && core.listeners_[slot] == nullptr);
  core.listeners_[slot] = this;
  core.mesh().takes(slot, core.index()).store(true, std::memory_order_relaxed);
}

Listener::~Listener() {
  RP_ASSERT(!in_flight_);
  core_.listeners_[slot_] = nullptr;
  core_.mesh().takes(slot_, core_.index()).store(false, std::memory_order_relaxed);
}

void Listener::arm() {
  if (!in_flight_ && !armed() && !stopping_) submit();
}

void Listener::submit() {
  in_flight_ = true;
  core_.submit({.kind = io::OpKind::accept, .handle = listening_, .operation = this});
}

void Listener::completed(io::Operation& self, const io::Completion& completion) {
  auto& listener = static_cast<Listener&>(self);
  listener.in_flight_ = completion.more;
  if (completion.result >= 0) listener.place({completion.result});
  if (completion.more) return;
  if (listener.stopping_)
    listener.ended_.notify_all();
  else if (completion.result >= 0 || of_one_connection(completion.result))
    listener.submit();
  else
    listener.pause();
}

// No descriptors, no memory, or an error that would come again at once: leave the core to those who are connected.
void Listener::pause() {
  core_.own_figures_->accept_pauses.add();
  core_.timers().arm(*this, core_.now() + kAcceptPause);
}

void Listener::pause_over(Timer& self) {
  static_cast<Listener&>(self).submit();
}

// The load is counted where the connection is sent, at once, so that a burst is spread evenly.
void Listener::place(io::Handle socket) {
  core_.own_figures_->accepted.add();
  const unsigned home = home_of_next();
  if (home != core_.index()) {
    core_.mesh().load(slot_, home).fetch_add(1, std::memory_order_relaxed);
    if (core_.post(home,
                   Message::make([slot = slot_, socket](Core& there) { receive(there, slot, socket); }))) {
      core_.own_figures_->handed_over.add();
      return;
    }
    core_.mesh().load(slot_, home).fetch_sub(1, std::memory_order_relaxed);
  }
  core_.mesh().load(slot_, core_.index()).fetch_add(1, std::memory_order_relaxed);
  keep(socket);
}

unsigned Listener::home_of_next() const {
  const auto load = [&](unsigned core) {
    return core_.mesh().load(slot_, core).load(std::memory_order_relaxed);
  };
  unsigned least = core_.index();
  for (unsigned core = 0; core < core_.count(); ++core)
    if (core_.mesh().takes(slot_, core).load(std::memory_order_relaxed) && load(core) < load(least))
      least = core;
  const std::uint32_t least_load = load(least);
  const std::uint32_t excess = load(core_.index()) - std::min(load(core_.index()), least_load);
  return excess > std::max(kShareExcessMin, least_load / kShareExcessPart) ? least : core_.index();
}

// On the core that another has given the connection to.
void Listener::receive(Core& here, unsigned slot, io::Handle socket) {
  if (Listener* listener = here.listeners_[slot]; listener != nullptr) {
    listener->keep(socket);
    return;
  }
  here.mesh().load(slot, here.index()).fetch_sub(1, std::memory_order_relaxed);
  here.spawn(close_socket(here, socket));
}

void Listener::keep(io::Handle socket) {
  accepted_(core_, socket);
}

void Listener::ended() {
  const std::uint32_t before =
      core_.mesh().load(slot_, core_.index()).fetch_sub(1, std::memory_order_relaxed);
  RP_ASSERT(before > 0);
}

std::uint64_t Listener::connections_everywhere() const {
  std::uint64_t sum = 0;
  for (unsigned core = 0; core < core_.count(); ++core)
    sum += core_.mesh().load(slot_, core).load(std::memory_order_relaxed);
  return sum;
}

std::uint32_t Listener::connections() const {
  return core_.mesh().load(slot_, core_.index()).load(std::memory_order_relaxed);
}

void Listener::stop() {
  if (std::exchange(stopping_, true)) return;
  core_.timers().disarm(*this);
  if (in_flight_) core_.submit({.kind = io::OpKind::cancel, .handle = listening_, .target = this});
}

Task<void> Listener::stopped() {
  RP_ASSERT(stopping_);
  while (in_flight_) co_await ended_.wait();
  if (listening_) co_await close_socket(core_, std::exchange(listening_, {}));
}

}  // namespace ringpost::shard
