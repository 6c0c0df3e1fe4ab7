// The one seam between Ringpost and the world: operations go out in batches, completions come back in batches.
//
// Layer:    runtime (base, buffer, observe). Three implementations: uring, epoll, sim; one conformance suite.
// Owner:    one Backend for each core, used by that core's thread alone; only wake() may be called from any thread.
// Cost:     one virtual call for a batch, never for an operation.
// Lifetime: an Operation, its vectors, its buffers and its address live until its final completion (`more == false`).
//           Cancelling asks; the final completion answers.
// Results:  as the kernel gives them: >= 0, or a negative errno.
// Rules:    on one handle at most one receive (or accept) and one send (or connect) at a time, and close only after the
//           final completion of everything else: an earlier operation must not meet a reused descriptor. Asserted.
// Limits:   io/limits.hpp; an operation beyond one completes with an error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <sys/uio.h>

#include "ringpost/base/address.hpp"
#include "ringpost/base/result.hpp"
#include "ringpost/base/units.hpp"

namespace ringpost::io {

// A socket or file, the same number on every core of the process.
struct Handle {
  std::int32_t value = -1;
  explicit operator bool() const { return value >= 0; }
  bool operator==(const Handle&) const = default;
};

struct Completion;

// What a completion comes back to. Derive, or hold one as a member; `complete` is called by the core's loop.
struct Operation {
  using Complete = void (*)(Operation& self, const Completion& completion);
  explicit Operation(Complete function) : complete(function) {}
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;
  Complete complete;
};

struct Completion {
  Operation* operation = nullptr;
  std::int32_t result = 0;           // >= 0 or -errno; accept: the new Handle's value
  bool more = false;                 // false: this operation has ended and will not complete again
  std::span<const std::byte> bytes;  // receive: valid until the next call of poll()
};

enum class OpKind : std::uint8_t {
  // Many completions, one for each connection, each with `more`; the last is an error (-ECANCELED too).
  accept,
  // Many completions, each with `bytes` and `more`; the last has none: 0 is end of stream, or an error. Want of buffers
  // is handled inside.
  receive,
  send,     // all of `vectors`, or an error; after a cancel the result may be a part
  connect,  // to *address
  read,     // file at `offset` into `vectors`; may be a part, as in pread(2)
  write,    // file at `offset` from `vectors`; may be a part. `durable`: on stable storage when it completes
  sync,     // fdatasync
  // Completes once with those of `poll_events` (POLLIN, POLLOUT) that are true, or POLLERR or POLLHUP. For sockets of
  // foreign libraries, which may close them meanwhile: cancel then ends the operation.
  poll,
  finish,    // no more will be sent: the peer sees end of stream after what was; receiving goes on
  shutdown,  // both directions: the peer sees end of stream, and so does our receive
  close,     // after every other operation on the handle has ended
  // Asks `target` to end, which answers -ECANCELED unless it had ended. Completes nothing itself, needs no `operation`
  // and no `handle`. A target that has ended, even one that is freed, is harmless.
  cancel,
};

struct Op {
  OpKind kind{};
  bool durable = false;
  bool at_once = false;  // the kernel gets it, and what was queued before, now: not with the next poll()
  std::uint16_t poll_events = 0;
  std::int32_t registered_buffer = -1;  // index given by register_buffers, when `vectors` lies within it
  Handle handle;
  Operation* operation = nullptr;
  const iovec* vectors = nullptr;
  std::uint32_t vector_count = 0;
  std::uint64_t offset = 0;
  const Endpoint* address = nullptr;
  Operation* target = nullptr;
};

// How long poll() may wait. An adaptive loop raises `batch_min` with the size of recent batches.
struct Wait {
  Instant until;                // wake at the latest then; a past instant only collects what is there
  std::uint32_t batch_min = 1;  // wait for so many completions ...
  Duration linger{0};           // ... but after the first one no longer than this
};

struct ListenOptions {
  int backlog = 4096;
  bool reuse_port = true;  // one listener for each core on the same address
  bool ipv6_only = true;
  // With reuse_port: connections whose packets this CPU takes come here. -1: by a hash of their addresses.
  int cpu = -1;
};

struct OpenMode {
  bool write = false;
  bool create = false;     // mode 0600
  bool exclusive = false;  // with create: fail when it exists
  bool truncate = false;
  bool direct = false;  // O_DIRECT where the file system takes it
};

struct File {
  Handle handle;
  bool direct = false;          // false: the file system refused O_DIRECT, writes go through the page cache
  std::uint32_t alignment = 1;  // of memory, offset and length, when direct
};

// The cold calls on files. They block: use them at start, or from the offload pool.
class Files {
 public:
  virtual ~Files() = default;
  // EISDIR for whatever is no regular file and no character device; never waits for a pipe.
  virtual Result<File> open(const std::string& path, OpenMode mode) = 0;
  virtual void close(Handle file) = 0;
  virtual Result<std::uint64_t> size(Handle file) = 0;
  // Writes zeros over [0, size) and makes them durable: later overwrites need no file system journal.
  virtual Result<void> zero_fill(Handle file, std::uint64_t size) = 0;
  virtual Result<std::size_t> read_at(Handle file, std::span<std::byte> into, std::uint64_t offset) = 0;
  virtual Result<void> write_at(Handle file, std::span<const std::byte> bytes,
                                std::uint64_t offset) = 0;  // all of it
  virtual Result<void> sync(Handle file) = 0;
  // Exclusive, for the life of the handle; a temporary error when it is taken. Try again for a second then:
  // the lock of a killed process outlives it until its last write has ended.
  virtual Result<void> lock(Handle file) = 0;
  virtual Result<void> make_directory(const std::string& path) = 0;  // existing is fine; parents are not made
  // Gives it to the owner and group of `like`, where files have owners and this process may.
  virtual Result<void> own_like(const std::string& path, const std::string& like) = 0;
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  virtual Result<void> unlink(const std::string& path) = 0;
  virtual Result<void> remove_directory(const std::string& path) = 0;  // an empty one
  virtual Result<void> sync_directory(const std::string& path) = 0;
  virtual Result<std::vector<std::string>> list(
      const std::string& path) = 0;  // names, sorted, no "." and ".."
  struct Space {
    std::uint64_t total = 0;
    std::uint64_t available = 0;
  };
  virtual Result<Space> space(const std::string& path) = 0;
};

struct Description {
  std::string_view name;              // "uring", "epoll", "sim"
  std::vector<std::string> features;  // what the self-test found working and the backend uses
  std::string kernel;                 // release, for the start-up line
  std::string why;                    // when a better backend was refused: which and why
};

// How the interface is used, since the last look.
struct Load {
  std::uint32_t receive_buffers = 0;            // that the kernel can fill; 0: it has none of its own
  std::uint32_t receive_buffers_taken_max = 0;  // used up between two polls, at most
  std::uint32_t receive_buffers_short = 0;      // receives that found none
  std::size_t operations = 0;                   // under way now
};

class Backend {
 public:
  // Ends what is in flight without completing it; afterwards no memory of an operation is touched any more.
  // Handles stay open: they belong to the process.
  virtual ~Backend() = default;

  // Queues operations for the kernel. Never fails: what is refused comes back as a completion.
  virtual void submit(std::span<const Op> batch) = 0;
  // Hands over what was queued, waits as told, fills `out`; the bytes of earlier completions become invalid.
  // May return 0 before `until`: look at the clock.
  virtual std::size_t poll(std::span<Completion> out, const Wait& wait) = 0;
  // Ends a poll() that waits, now or the next one. Any thread.
  virtual void wake() noexcept = 0;

  // Set-up, synchronous and cheap. Stream sockets, accepted ones too, have TCP_NODELAY: sends are whole already.
  virtual Result<Handle> listen(const Endpoint& where, const ListenOptions& options) = 0;
  virtual Result<Handle> open_socket(const Endpoint& to,
                                     const std::optional<Endpoint>& from) = 0;  // a TCP stream
  virtual Result<Handle> adopt(int descriptor) = 0;  // takes ownership, on success; sim refuses
  virtual Endpoint local_endpoint(Handle socket) = 0;
  virtual Endpoint peer_endpoint(Handle socket) = 0;
  // Pins memory for writes; the index of each is its position. Degrades to nothing (and says so in describe()).
  virtual void register_buffers(std::span<const iovec> buffers) = 0;

  virtual Files& files() = 0;
  virtual Instant now() = 0;
  virtual WallTime wall_now() = 0;
  // For how long the calling thread has had a processor. 0 in the simulation, where no time passes while a core works.
  virtual Duration thread_time() { return {}; }
  virtual std::uint64_t random() = 0;
  virtual const Description& describe() const = 0;
  // Begins a new count with each call.
  virtual Load load() { return {}; }
};

struct BackendOptions {
  std::string choice = "auto";  // auto | uring | epoll
  std::uint32_t submission_entries = 2048;
  std::uint32_t completion_entries = 16384;
  Bytes receive_buffers = 16_MiB;  // the core's ring of receive buffers
  Bytes receive_buffer_size = 64_KiB;
};

// Probes and self-tests, then makes the best backend that works here (or the one named, or an error that says
// why not). Call it on the thread that will use it.
Result<std::unique_ptr<Backend>> make_backend(const BackendOptions& options);

}  // namespace ringpost::io
