#include <algorithm>
#include <cerrno>

#include "ringpost/io/sim.hpp"

#include "sim_backend.hpp"
#include "sim_state.hpp"

namespace ringpost::io {

namespace sim {

std::int32_t Descriptors::add(Open open) {
  if (full()) return -EMFILE;
  std::size_t index = 0;
  while (index < table_.size() && table_[index]) ++index;
  if (index == table_.size()) table_.emplace_back();
  table_[index] = std::move(open);
  ++open_;
  return kFirst + static_cast<std::int32_t>(index);
}

const Descriptors::Open& Descriptors::operator[](Handle handle) const {
  static const Open kNothing;
  const auto index = static_cast<std::size_t>(handle.value - kFirst);
  return handle.value >= kFirst && index < table_.size() ? table_[index] : kNothing;
}

void Descriptors::remove(Handle handle) {
  table_[static_cast<std::size_t>(handle.value - kFirst)] = {};
  --open_;
}

std::vector<SocketPointer> Descriptors::sockets() const {
  std::vector<SocketPointer> sockets;
  for (const Open& open : table_)
    if (open.socket) sockets.push_back(open.socket);
  return sockets;
}

}  // namespace sim

bool SimWorld::State::anything_ready() const {
  return std::ranges::any_of(backends, [](const auto& numbered) { return numbered.second->ready(); });
}

void SimWorld::State::close(Handle handle) {
  const sim::Descriptors::Open open = descriptors[handle];
  if (!open) return;
  if (open.socket) network.close(*open.socket);
  descriptors.remove(handle);
}

void SimWorld::State::forget_connections() {
  clock.forget_everything();
  network.forget_everything(descriptors.sockets());
}

void SimWorld::State::power_cut() {
  for (const auto& [number, backend] : backends) backend->die();
  forget_connections();
  descriptors.clear();
  disk.power_cut();
}

SimWorld::SimWorld(std::uint64_t seed) : state_(std::make_unique<State>(seed)) {}

SimWorld::~SimWorld() {
  RP_ASSERT(state_->backends.empty());
}

std::unique_ptr<Backend> SimWorld::make_backend() {
  return std::make_unique<sim::SimBackend>(*state_);
}

void SimWorld::power_cut() {
  state_->power_cut();
}

Instant SimWorld::now() const {
  return state_->clock.now();
}

void SimWorld::advance(Instant until) {
  state_->clock.run_due();
  if (!state_->anything_ready()) state_->clock.step(until);
}

void SimWorld::limit_descriptors(std::size_t count) {
  state_->descriptors.limit(count);
}

void SimWorld::limit_disk(Bytes capacity) {
  state_->disk.limit(capacity);
}

}  // namespace ringpost::io
