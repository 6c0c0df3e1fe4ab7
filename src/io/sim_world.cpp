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

// Both ends of a connection hold each other.
SimWorld::State::~State() {
  clock.forget_everything();
  for (const auto& [number, each] : hosts) network.forget_everything(each->descriptors.sockets());
}

sim::Host& SimWorld::State::host(std::uint32_t number) {
  auto& found = hosts[number];
  if (!found) found = std::make_unique<sim::Host>(number);
  return *found;
}

void SimWorld::State::close(sim::Host& host, Handle handle) {
  const sim::Descriptors::Open open = host.descriptors[handle];
  if (!open) return;
  if (open.socket) network.close(*open.socket);
  host.descriptors.remove(handle);
}

// Writes under way come to some end first: nobody hears which.
void SimWorld::State::end_host(std::uint32_t number, bool power) {
  sim::Host& dying = host(number);
  for (const auto& [unused, backend] : backends)
    if (backend->host() == number) backend->die(power);
  dying.fails = false;
  network.lose(dying.descriptors.sockets(), power);
  dying.descriptors.clear();
  if (power) dying.disk.power_cut(chance);
}

void SimWorld::State::trace_completion(std::uint32_t backend, const Completion& completion) {
  const auto mix = [this](std::uint64_t value) {
    trace = (trace ^ value) * 0x0000'0100'0000'01b3U ^ trace >> 29;
  };
  mix(static_cast<std::uint64_t>(clock.now().since_start.count()));
  mix(std::uint64_t{backend} << 33 | std::uint64_t{completion.more} << 32 |
      static_cast<std::uint32_t>(completion.result));
  for (const std::byte byte : completion.bytes) mix(static_cast<std::uint64_t>(byte));
}

SimWorld::SimWorld(std::uint64_t seed) : state_(std::make_unique<State>(seed)) {}

SimWorld::~SimWorld() {
  RP_ASSERT(state_->backends.empty());
}

std::unique_ptr<Backend> SimWorld::make_backend(std::uint32_t host) {
  return std::make_unique<sim::SimBackend>(*state_, state_->host(host));
}

void SimWorld::power_cut(std::uint32_t host) {
  state_->end_host(host, true);
}

void SimWorld::kill(std::uint32_t host) {
  state_->end_host(host, false);
}

Instant SimWorld::now() const {
  return state_->clock.now();
}

void SimWorld::advance(Instant until) {
  state_->clock.run_due();
  if (!state_->anything_ready()) state_->clock.step(until);
}

void SimWorld::pass(Instant until) {
  state_->clock.run_due();
  state_->clock.step(until);
}

void SimWorld::shift_wall_clock(Duration by, std::uint32_t host) {
  state_->host(host).wall_shift += by;
}

void SimWorld::limit_descriptors(std::size_t count, std::uint32_t host) {
  state_->host(host).descriptors.limit(count);
}

void SimWorld::limit_disk(Bytes capacity, std::uint32_t host) {
  state_->host(host).disk.limit(capacity);
}

bool SimWorld::fails(std::uint32_t host) const {
  return state_->host(host).fails;
}

void SimWorld::refuse_writes(bool refuse, std::uint32_t host) {
  state_->host(host).disk.refuse_writes(refuse);
}

bool SimWorld::kill_block(std::string_view path, std::uint64_t offset, std::uint32_t host) {
  return state_->host(host).disk.kill_block(path, offset);
}

void SimWorld::set_faults(const SimFaults& faults) {
  state_->chance.set_faults(faults);
  for (const auto& [number, host] : state_->hosts) host->disk.mend();
}

void SimWorld::watch_writes(std::function<void(const SimWrite&)> watch) {
  state_->watch = std::move(watch);
}

std::size_t SimWorld::connections_to(const Endpoint& peer, std::uint32_t host) const {
  const auto sockets = state_->host(host).descriptors.sockets();
  return static_cast<std::size_t>(std::ranges::count_if(sockets, [&](const sim::SocketPointer& socket) {
    return socket->peer == peer && (socket->stage == sim::Socket::Stage::connecting ||
                                    socket->stage == sim::Socket::Stage::connected);
  }));
}

const std::map<std::string, std::uint64_t, std::less<>>& SimWorld::happened() const {
  return state_->chance.happened();
}

std::uint64_t SimWorld::trace() const {
  return state_->trace;
}

}  // namespace ringpost::io
