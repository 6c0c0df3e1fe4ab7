// What the backends of one simulated world share.
//
// Layer: io, private.
#pragma once

#include <map>
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

}  // namespace sim

struct SimWorld::State {
  explicit State(std::uint64_t seed) : chance(seed), network(clock, chance) {}
  ~State() { forget_connections(); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  bool anything_ready() const;
  void close(Handle handle);
  void power_cut();

  sim::Clock clock;
  sim::Chance chance;
  sim::Disk disk;
  sim::Network network;
  sim::Descriptors descriptors;
  std::map<std::uint32_t, sim::SimBackend*>
      backends;  // by number, so that their order is the same in each run
  std::uint32_t next_backend = 0;

 private:
  void forget_connections();
};

}  // namespace ringpost::io
