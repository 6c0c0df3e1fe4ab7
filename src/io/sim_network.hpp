// The network of the simulated world: stream sockets that never block and tell when to try again.
//
// Layer:  io, private. Results are as the kernel's: >= 0 or -errno, -EAGAIN when nothing can be done now.
// Model:  a send is cut into segments by chance; each arrives after the path's latency, in order. Bytes sent and not
//         yet read are bounded by kSimWindow. An end of stream travels like a segment, a reset too.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ringpost/io/backend.hpp"
#include "ringpost/io/limits.hpp"

#include "operation_table.hpp"
#include "sim_chance.hpp"
#include "sim_clock.hpp"

namespace ringpost::io::sim {

// Told when an operation that waits should try again.
class Waker {
 public:
  virtual ~Waker() = default;
  virtual void try_again(Ticket ticket) = 0;
};

// An operation that waits on a socket.
struct Waiting {
  Waker* waker = nullptr;
  Ticket ticket;
  void wake() const {
    if (waker != nullptr) waker->try_again(ticket);
  }
};

struct Socket {
  enum class Stage : std::uint8_t { fresh, listening, connecting, connected };
  Stage stage = Stage::fresh;
  Endpoint local;
  Endpoint peer;
  Waiting reader;  // receive or accept
  Waiting writer;  // send or connect
  // Listening:
  ListenOptions options;
  std::deque<std::shared_ptr<Socket>> backlog;
  // Connecting and connected:
  std::shared_ptr<Socket> other;  // both ends hold each other until both are closed, or a reset
  Duration latency{0};
  Instant last_arrival;          // of what travels to this end
  std::vector<std::byte> inbox;  // arrived, not read
  std::uint64_t on_the_way = 0;  // sent by the other end, not arrived
  std::int32_t error = 0;        // -errno, told once
  bool peer_finished = false;    // the end of stream has arrived
  bool sends_finished = false;
  bool receives_finished = false;
  bool closed = false;
};
using SocketPointer = std::shared_ptr<Socket>;

class Network {
 public:
  Network(Clock& clock, Chance& chance) : clock_(clock), chance_(chance) {}

  SocketPointer listen(const Endpoint& where, const ListenOptions& options, std::int32_t& error);
  SocketPointer open(const Endpoint& to, const std::optional<Endpoint>& from);
  // -EAGAIN: under way; the writer is woken, and connect_result tells.
  std::int32_t connect(const SocketPointer& socket, const Endpoint& to);
  std::int32_t connect_result(Socket& socket);
  SocketPointer accept(Socket& listening);
  std::int64_t send(Socket& from, std::span<const iovec> vectors, std::uint64_t skip);
  std::int64_t receive(Socket& at, std::span<std::byte> into);
  std::int32_t finish(Socket& socket);
  std::int32_t shut_down(Socket& socket);
  void close(Socket& socket);
  // A host is gone with its sockets. After a loss of power peers hear of it only when it is up again.
  void lose(std::span<const SocketPointer> open, bool power);
  // All connections are gone. `open` are the sockets that somebody holds.
  void forget_everything(std::span<const SocketPointer> open);

 private:
  void knock(const SocketPointer& client, unsigned tries_left);
  SocketPointer listener_for(const Endpoint& to);
  void answer(const SocketPointer& client, std::int32_t error);
  void travel(Socket& from, const SocketPointer& to, std::vector<std::byte> bytes);
  void arrive(const SocketPointer& at, const std::vector<std::byte>& bytes);
  void send_end(Socket& from);
  void send_reset(Socket& from);
  void send_reset_after(Socket& from, Duration delay);
  void break_off(Socket& from, const SocketPointer& to);
  Instant arrival_at(Socket& to, Duration latency);
  std::uint16_t free_port();

  Clock& clock_;
  Chance& chance_;
  std::map<Endpoint, std::vector<SocketPointer>> listeners_;
  std::uint16_t next_port_ = 32768;
};

}  // namespace ringpost::io::sim
