// A whole world in one process: clock, network and disks from one seed, stepped by one thread.
//
// Layer:    runtime. The world outlives its backends. Same seed and same calls give the same run.
// Time:     passes only in poll(), advance() and pass(): when nothing is ready the clock jumps to the next thing that
//           will be. poll() of one backend returns early, perhaps with nothing, when another one has something to do.
// Hosts:    each has its own disk, handles and time of day; a backend belongs to one. Who names none means the first.
// Network:  connections with a latency, deliveries cut at any byte, a bounded window; several listeners may share an
//           address. A close with unread bytes resets the peer.
// Disk:     what was written is lost at a power cut unless it was durable or synced; a name is lost, or comes back,
//           unless its directory was synced. Direct files want 4096-byte alignment.
// Faults:   none until set_faults(). What they do stays within what the seam promises of a kernel, but for a disk that
//           lies (rot, misdirected writes).
// Not here: the poll operation (-EOPNOTSUPP), adopt().
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "ringpost/io/backend.hpp"

namespace ringpost::io {

// How often what goes wrong: one time in so many; 0 is never.
struct SimFaults {
  struct Disk {
    std::uint32_t write_error = 0;  // EIO; of the bytes, any part is there afterwards
    std::uint32_t broken_file = 0;  // the same, and the file takes nothing more until the faults are set anew
    std::uint32_t short_write = 0;  // fewer bytes than asked for
    std::uint32_t misdirected =
        0;                         // the bytes land elsewhere in the file, and the disk says that all is well
    std::uint32_t read_error = 0;  // EIO, this time: reads of the same file are good for ten seconds then
    std::uint32_t read_rot = 0;    // the same, with one wrong bit
    std::uint32_t slow = 0;        // up to three seconds
    std::uint32_t files_error = 0;  // EIO of a call of Files that writes
    std::uint32_t files_end = 0;  // before a call of Files that changes something, the host ends: see fails()
    bool torn = false;            // a power cut leaves any part of what was under way or not synced
  } disk;
  struct Network {
    std::uint32_t reset = 0;    // of segments: it is lost, and the connection is reset
    std::uint32_t stall = 0;    // of segments: it comes up to twenty minutes late
    std::uint32_t starved = 0;  // of receives: there is no buffer for a while
    std::uint32_t late = 0;     // of sends: the completion comes up to two seconds after the bytes have gone
    std::uint32_t accept_ends = 0;  // of accepts: no descriptor is left
    bool single_bytes = false;      // every byte travels alone
  } network;
};

// A write as the disk saw it.
struct SimWrite {
  std::uint32_t host = 0;
  std::uint64_t file = 0;    // the same for the life of the file
  std::uint64_t offset = 0;  // as it was asked for
  std::uint64_t landed = 0;  // where the bytes went
  std::span<const std::byte> bytes;
  std::span<const std::byte> before;  // of a misdirected one: the whole file as it was
  std::int32_t result = 0;
};

class SimWorld {
 public:
  explicit SimWorld(std::uint64_t seed);
  ~SimWorld();
  SimWorld(const SimWorld&) = delete;
  SimWorld& operator=(const SimWorld&) = delete;

  // A backend for one more core (or for a simulated peer) in this world.
  std::unique_ptr<Backend> make_backend(std::uint32_t host = 0);
  // Everything on the host that was not made durable before now is lost, operations in flight among it; all its handles
  // die, and peers hear of it a moment later. Its backends are dead too: nothing completes on them any more, so destroy
  // the cores on them and make new ones, or let them stand still for ever.
  void power_cut(std::uint32_t host = 0);
  // The same for the death of the process alone: what was written stays, peers hear of it at once.
  void kill(std::uint32_t host = 0);
  Instant now() const;
  // When nothing is ready in the whole world: moves the clock to the earliest pending event, at most to `until`.
  void advance(Instant until);
  // The same while something is ready that nobody looks at, because its core stands still.
  void pass(Instant until);
  // The time of day of a host jumps, back too; the monotonic clock does not.
  void shift_wall_clock(Duration by, std::uint32_t host = 0);
  // So many handles may be open at once on a host; one more gives -EMFILE.
  void limit_descriptors(std::size_t count, std::uint32_t host = 0);
  // Files may hold so much together; growing one past it gives -ENOSPC.
  void limit_disk(Bytes capacity, std::uint32_t host = 0);

  // The fault `files_end` has struck: what the host does has no effect from that call on, until power_cut() or kill() says
  // how it has ended. Look after each turn of its cores.
  bool fails(std::uint32_t host = 0) const;

  // The disk takes no write and no sync any more (-EIO), or does again; what it holds can be read.
  void refuse_writes(bool refuse, std::uint32_t host = 0);

  // The block of the file with that offset cannot be read until something is written there. False: no such block.
  bool kill_block(std::string_view path, std::uint64_t offset, std::uint32_t host = 0);

  void set_faults(const SimFaults& faults);
  void watch_writes(std::function<void(const SimWrite&)> watch);
  // Connections of a host that are open or being opened to that endpoint.
  std::size_t connections_to(const Endpoint& peer, std::uint32_t host = 0) const;
  // How often each kind of fault has happened.
  const std::map<std::string, std::uint64_t, std::less<>>& happened() const;
  // A number that two runs have in common only when every completion came at the same time with the same content.
  std::uint64_t trace() const;

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace ringpost::io
