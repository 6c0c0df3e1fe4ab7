// The connections that a service of one core has open: the listening sockets by which they come, and how all of them leave.
//
// Layer:  paths. Owner: the service, on its core.
// Drain:  the sockets close and each guest is nudged: its own flow says goodbye when it may. `stopped` resumes when the last is gone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "ringpost/base/intrusive_list.hpp"
#include "ringpost/observe/registry.hpp"
#include "ringpost/shard/await.hpp"
#include "ringpost/shard/core.hpp"
#include "ringpost/shard/listener.hpp"

namespace ringpost::net {

// One client that is connected, for nudges and the end.
class Guest : public ListLink<Guest> {
 public:
  virtual ~Guest() = default;
  virtual void nudge() = 0;
  virtual void abort() = 0;
};

class Visitors {
 public:
  // One listening socket of this core.
  struct Door {
    Door(shard::Core& core, std::size_t listening_index, unsigned number, io::Handle listening,
         shard::Listener::Accepted accepted)
        : index(listening_index), slot(number), listener(core, number, listening, std::move(accepted)) {}
    std::size_t index;  // of the service's listener
    unsigned slot;
    shard::Listener listener;
  };

  // `open`: the gauge that shows how many are here.
  Visitors(shard::Core& core, observe::Gauge& open) : core_(core), open_gauge_(open), changed_(core) {}

  // Begins to accept on an open listening socket. `serve(Door&, io::Handle) -> Task<void>` is spawned for each connection: it calls
  // come() first and go() last. `slot` is the same on every core and different for each socket of the process.
  template <class Serve>
  void listen(std::size_t index, unsigned slot, io::Handle listening, Serve serve) {
    doors_.push_back(nullptr);
    std::unique_ptr<Door>& door = doors_.back();
    door =
        std::make_unique<Door>(core_, index, slot, listening,
                               [serve, self = doors_.size() - 1, this](shard::Core& core, io::Handle socket) {
                                 core.spawn(serve(*doors_[self], socket));
                               });
    door->listener.arm();
  }

  void add(Guest& guest) { guests_.push_back(guest); }
  void come();
  void go();
  void go(Door& door);

  void drain();
  bool draining() const { return draining_; }
  Task<void> stopped();
  void abort();

  std::size_t open() const { return open_; }
  // Open connections of a listener. All cores together; each core's part is a moment old.
  std::uint64_t load(std::size_t index) const;

  friend FramePool& frame_pool(Visitors& visitors) { return visitors.core_.frames(); }

 private:
  shard::Core& core_;
  observe::Gauge& open_gauge_;
  std::vector<std::unique_ptr<Door>> doors_;
  IntrusiveList<Guest, Guest> guests_;
  std::size_t open_ = 0;
  bool draining_ = false;
  shard::Signal changed_;
};

}  // namespace ringpost::net
