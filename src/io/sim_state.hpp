// What the backends of one simulated world share.
//
// Layer: io, private.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "ringpost/io/sim.hpp"

#include "sim_chance.hpp"
#include "sim_clock.hpp"
#include "sim_disk.hpp"
#include "sim_network.hpp"

namespace ringpost::io {

namespace sim {

class SimBackend;

// The numbers of open things; the lowest free one is given next, as a kernel does.
class Descriptors {
 public:
  struct Open {
    SocketPointer socket;
    std::shared_ptr<OpenFile> file;
    explicit operator bool() const { return socket != nullptr || file != nullptr; }
  };
  // -EMFILE when the limit is reached.
  std::int32_t add(Open open);
  const Open& operator[](Handle handle) const;  // an empty one when it is not open
  void remove(Handle handle);
  void limit(std::size_t count) { limit_ = count; }
  bool full() const { return open_ >= limit_; }
  void clear() {
    table_.clear();
    open_ = 0;
  }
  std::vector<SocketPointer> sockets() const;

 private:
  static constexpr std::int32_t kFirst = 3;  // as if the three standard streams were there
  std::vector<Open> table_;
  std::size_t open_ = 0;
  std::size_t limit_ = kSimDescriptors;
};

// What one machine has for itself.
struct Host {
  explicit Host(std::uint32_t which) : number(which), disk(which) {}
  std::uint32_t number;
  Disk disk;
  Descriptors descriptors;
  Duration wall_shift{0};
  bool fails = false;  // in the middle of cold calls: nothing that it does has an effect any more
};

}  // namespace sim

struct SimWorld::State {
  explicit State(std::uint64_t seed) : chance(seed), network(clock, chance) {}
  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  bool anything_ready() const;
  sim::Host& host(std::uint32_t number);
  void close(sim::Host& host, Handle handle);
  void end_host(std::uint32_t number, bool power);
  void trace_completion(std::uint32_t backend, const Completion& completion);

  sim::Clock clock;
  sim::Chance chance;
  sim::Network network;
  std::map<std::uint32_t, std::unique_ptr<sim::Host>> hosts;
  std::function<void(const SimWrite&)> watch;
  std::uint64_t trace = 0xcbf2'9ce4'8422'2325U;
  std::map<std::uint32_t, sim::SimBackend*>
      backends;  // by number, so that their order is the same in each run
  std::uint32_t next_backend = 0;
};

}  // namespace ringpost::io
