#include "sim_network.hpp"

#include <algorithm>
#include <cerrno>

namespace ringpost::io::sim {

namespace {

IpAddress any_address(const IpAddress& like) {
  constexpr std::array<std::uint8_t, 16> kZero{};
  return like.is_ipv6() ? IpAddress::ipv6(kZero) : IpAddress::ipv4(0, 0, 0, 0);
}

// Where a host speaks from when nobody said it.
IpAddress own_address(const IpAddress& to) {
  if (to.is_loopback() || to.is_ipv6()) return to;
  return IpAddress::ipv4(10, 0, 0, 1);
}

}  // namespace

std::uint16_t Network::free_port() {
  if (next_port_ == 65535) next_port_ = 32768;
  return next_port_++;
}

// ---- Listening and connecting ----

SocketPointer Network::listen(const Endpoint& where, const ListenOptions& options, std::int32_t& error) {
  Endpoint local = where;
  if (local.port == 0) {
    do local.port = free_port();
    while (listeners_.contains(local));
  }
  auto& there = listeners_[local];
  const bool shared = options.reuse_port && std::ranges::all_of(there, [](const SocketPointer& socket) {
                        return socket->options.reuse_port;
                      });
  error = there.empty() || shared ? 0 : -EADDRINUSE;
  if (error != 0) return nullptr;
  auto socket = std::make_shared<Socket>();
  socket->stage = Socket::Stage::listening;
  socket->local = local;
  socket->options = options;
  there.push_back(socket);
  return socket;
}

SocketPointer Network::open(const Endpoint& to, const std::optional<Endpoint>& from) {
  auto socket = std::make_shared<Socket>();
  socket->local = from.value_or(Endpoint{own_address(to.address), 0});
  return socket;
}

std::int32_t Network::connect(const SocketPointer& socket, const Endpoint& to) {
  if (socket->stage == Socket::Stage::connecting) return -EALREADY;
  if (socket->stage != Socket::Stage::fresh) return -EISCONN;
  if (socket->local.port == 0) socket->local.port = free_port();
  socket->stage = Socket::Stage::connecting;
  socket->peer = to;
  socket->latency = chance_.path_latency();
  clock_.plan_in(socket->latency, [this, socket] { knock(socket, kSimConnectTries - 1); });
  return -EAGAIN;
}

SocketPointer Network::listener_for(const Endpoint& to) {
  for (const IpAddress& address : {to.address, any_address(to.address)}) {
    const auto found = listeners_.find(Endpoint{address, to.port});
    if (found != listeners_.end() && !found->second.empty())
      return found->second[chance_.pick(found->second.size())];
  }
  return nullptr;
}

void Network::knock(const SocketPointer& client, unsigned tries_left) {
  if (client->closed) return;
  const SocketPointer listening = listener_for(client->peer);
  if (!listening) return answer(client, -ECONNREFUSED);
  if (listening->backlog.size() > static_cast<std::size_t>(std::max(listening->options.backlog, 0))) {
    if (tries_left == 0) return answer(client, -ETIMEDOUT);
    return clock_.plan_in(std::chrono::seconds{1},
                          [this, client, tries_left] { knock(client, tries_left - 1); });
  }
  auto server = std::make_shared<Socket>();
  server->stage = Socket::Stage::connected;
  server->local = client->peer;
  server->peer = client->local;
  server->latency = client->latency;
  server->other = client;
  client->other = server;
  listening->backlog.push_back(server);
  listening->reader.wake();
  answer(client, 0);
}

void Network::answer(const SocketPointer& client, std::int32_t error) {
  // Nothing that the server sends overtakes its consent.
  clock_.plan(arrival_at(*client, client->latency), [client, error] {
    if (client->stage != Socket::Stage::connecting) return;
    client->stage = error == 0 ? Socket::Stage::connected : Socket::Stage::fresh;
    if (error != 0) client->error = error;
    client->writer.wake();
    client->reader.wake();
  });
}

std::int32_t Network::connect_result(Socket& socket) {
  if (socket.stage == Socket::Stage::connecting) return -EAGAIN;
  return std::exchange(socket.error, 0);
}

SocketPointer Network::accept(Socket& listening) {
  if (listening.backlog.empty()) return nullptr;
  SocketPointer socket = std::move(listening.backlog.front());
  listening.backlog.pop_front();
  return socket;
}

// ---- Sending and receiving ----

Instant Network::arrival_at(Socket& to, Duration latency) {
  to.last_arrival =
      std::max(to.last_arrival + chance_.gap(), clock_.now() + latency + chance_.jitter(latency));
  return to.last_arrival;
}

std::int64_t Network::send(Socket& from, std::span<const iovec> vectors, std::uint64_t skip) {
  if (from.error != 0) return std::exchange(from.error, 0);
  if (from.sends_finished) return -EPIPE;
  const SocketPointer to = from.other;
  if (!to || from.stage != Socket::Stage::connected) return -EPIPE;
  std::uint64_t room = kSimWindow - std::min<std::uint64_t>(kSimWindow, to->on_the_way + to->inbox.size());
  std::vector<std::byte> taken;
  bool anything = false;
  for (const iovec& vector : vectors) {
    if (skip >= vector.iov_len) {
      skip -= vector.iov_len;
      continue;
    }
    anything = true;
    const auto* base = static_cast<const std::byte*>(vector.iov_base) + skip;
    const auto count =
        static_cast<std::size_t>(std::min<std::uint64_t>(room - taken.size(), vector.iov_len - skip));
    taken.insert(taken.end(), base, base + count);
    skip = 0;
  }
  if (taken.empty() && anything) chance_.note("network: a window was full");
  if (taken.empty()) return anything ? -EAGAIN : 0;
  const auto count = static_cast<std::int64_t>(taken.size());
  travel(from, to, std::move(taken));
  return count;
}

void Network::travel(Socket& from, const SocketPointer& to, std::vector<std::byte> bytes) {
  to->on_the_way += bytes.size();
  for (std::size_t at = 0; at < bytes.size();) {
    if (chance_.strikes(chance_.faults().network.reset, "network: reset")) return break_off(from, to);
    if (chance_.strikes(chance_.faults().network.stall, "network: stall"))
      to->last_arrival = std::max(to->last_arrival, clock_.now()) + chance_.up_to(std::chrono::minutes{20});
    const std::size_t size = chance_.segment(bytes.size() - at);
    const auto begin = bytes.begin() + static_cast<std::ptrdiff_t>(at);
    std::vector<std::byte> segment(begin, begin + static_cast<std::ptrdiff_t>(size));
    clock_.plan(arrival_at(*to, from.latency),
                [this, to, segment = std::move(segment)] { arrive(to, segment); });
    at += size;
  }
}

void Network::arrive(const SocketPointer& at, const std::vector<std::byte>& bytes) {
  at->on_the_way -= bytes.size();
  if (at->closed || (at->receives_finished && at->sends_finished))
    return send_reset(*at);  // nobody will read it
  at->inbox.insert(at->inbox.end(), bytes.begin(), bytes.end());
  at->reader.wake();
}

std::int64_t Network::receive(Socket& at, std::span<std::byte> into) {
  if (at.stage == Socket::Stage::fresh || at.stage == Socket::Stage::listening) return -ENOTCONN;
  if (!at.inbox.empty()) {
    const std::size_t count = chance_.receive(std::min(at.inbox.size(), into.size()));
    const auto end = at.inbox.begin() + static_cast<std::ptrdiff_t>(count);
    std::copy(at.inbox.begin(), end, into.begin());
    at.inbox.erase(at.inbox.begin(), end);
    if (const SocketPointer other = at.other)
      clock_.plan_in(at.latency, [other] { other->writer.wake(); });  // the window has opened
    return static_cast<std::int64_t>(count);
  }
  if (at.error != 0) return std::exchange(at.error, 0);
  return at.peer_finished || at.receives_finished ? 0 : -EAGAIN;
}

// ---- Ending ----

std::int32_t Network::finish(Socket& socket) {
  if (socket.stage != Socket::Stage::connected) return -ENOTCONN;
  if (!std::exchange(socket.sends_finished, true)) send_end(socket);
  socket.writer.wake();
  return 0;
}

std::int32_t Network::shut_down(Socket& socket) {
  if (const std::int32_t error = finish(socket); error != 0) return error;
  socket.receives_finished = true;
  socket.reader.wake();
  return 0;
}

void Network::send_end(Socket& from) {
  const SocketPointer to = from.other;
  if (!to) return;
  clock_.plan(arrival_at(*to, from.latency), [to] {
    to->peer_finished = true;
    to->reader.wake();
  });
}

void Network::send_reset(Socket& from) {
  send_reset_after(from, Duration{0});
}

// What was under way is lost, and each end hears of it in its time.
void Network::break_off(Socket& from, const SocketPointer& to) {
  const SocketPointer self = to->other;
  send_reset(from);
  if (!self) return;
  clock_.plan(arrival_at(*self, from.latency), [self] {
    self->error = -ECONNRESET;
    self->peer_finished = self->sends_finished = true;
    self->other.reset();
    self->reader.wake();
    self->writer.wake();
  });
}

void Network::lose(std::span<const SocketPointer> open, bool power) {
  for (const SocketPointer& socket : open) {
    socket->closed = true;
    socket->reader = socket->writer = {};
    if (socket->stage == Socket::Stage::listening) {
      auto& there = listeners_[socket->local];
      std::erase(there, socket);
      if (there.empty()) listeners_.erase(socket->local);
      for (const SocketPointer& waiting : socket->backlog) {
        waiting->closed = true;
        send_reset_after(*waiting, power ? chance_.up_to(std::chrono::seconds{5}) : Duration{0});
      }
      socket->backlog.clear();
    }
    send_reset_after(*socket, power ? chance_.up_to(std::chrono::seconds{5}) : Duration{0});
  }
}

void Network::send_reset_after(Socket& from, Duration delay) {
  const SocketPointer to = from.other;
  if (!to) return;
  from.other.reset();
  clock_.plan(arrival_at(*to, from.latency + delay), [to] {
    to->error = -ECONNRESET;
    to->peer_finished = to->sends_finished = true;
    to->other.reset();
    to->reader.wake();
    to->writer.wake();
  });
}

void Network::close(Socket& socket) {
  if (std::exchange(socket.closed, true)) return;
  if (socket.stage == Socket::Stage::listening) {
    const auto there = listeners_.find(socket.local);
    std::erase_if(there->second, [&](const SocketPointer& listener) { return listener.get() == &socket; });
    if (there->second.empty()) listeners_.erase(there);
    for (const SocketPointer& waiting : socket.backlog) {
      waiting->closed = true;
      send_reset(*waiting);
    }
    return socket.backlog.clear();
  }
  if (socket.stage != Socket::Stage::connected) return;
  if (!socket.inbox.empty()) return send_reset(socket);
  if (!std::exchange(socket.sends_finished, true)) send_end(socket);
  if (socket.other && socket.other->closed) {
    socket.other->other.reset();
    socket.other.reset();
  }
}

void Network::forget_everything(std::span<const SocketPointer> open) {
  listeners_.clear();
  for (const SocketPointer& socket : open) {
    socket->closed = true;
    socket->other.reset();
    for (const SocketPointer& waiting : socket->backlog) waiting->other.reset();
    socket->backlog.clear();
  }
}

}  // namespace ringpost::io::sim
