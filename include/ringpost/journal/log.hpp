// The log engine of one shard: records go in, become durable in batches, and are read back.
//
// Layer:   durable (base, buffer, observe, io, shard). Owner: one core; one writer, no locks, no timers.
// Commit:  records gather in the open frame. At the end of a turn, when no write is in flight, the frame is sealed
//          (header, checksums, zero padding to 4 KiB) and written with one O_DIRECT + RWF_DSYNC write. The next frame
//          gathers meanwhile. So exactly one write is in flight, and a torn tail is unambiguous.
// Memory:  frames are built in registered 1 MiB buffers that stay readable afterwards (hot) until they are reused; a
//          buffer under a Pin is not reused. Past the pin budget `pin` gives nothing and the reader goes to the disk.
// Format:  journal/format.hpp and docs/spool-format.md. Knows record types only as numbers.
// Errors:  a failed or short write fails exactly the records of its frame; the segment is closed at its last good
//          frame, the next frame goes to a new segment and voids the failed one before it promises anything.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ringpost/base/ids.hpp"
#include "ringpost/base/intrusive_list.hpp"
#include "ringpost/base/result.hpp"
#include "ringpost/base/task.hpp"
#include "ringpost/journal/options.hpp"
#include "ringpost/shard/core.hpp"

namespace ringpost::journal {

// Where the payload of a record lies. Stays true until its segment is freed.
struct Location {
  std::uint32_t segment = 0;  // the number of the segment file in this shard
  std::uint32_t offset = 0;   // of the payload, in the file
  std::uint32_t size = 0;     // of the payload
  constexpr explicit operator bool() const { return size != 0; }
  constexpr bool operator==(const Location&) const = default;
};

// A record to append: `parts` are copied in order, then forgotten.
struct Record {
  std::uint8_t type = 0;
  std::uint8_t flags = 0;
  MessageId id;
  std::span<const std::span<const std::byte>> parts;
};

// The frame that a record went into; wait for it with Log::durable.
struct Ticket {
  std::uint64_t frame = 0;
};

// A record as recovery or an offline reader sees it. `payload` is valid during the call.
struct RecordView {
  std::uint8_t type = 0;
  std::uint8_t flags = 0;
  MessageId id;
  Location where;
  std::uint64_t order = 0;  // rises with (epoch, commit sequence) over all shards
  std::span<const std::byte> payload;
};

// What recovery found wrong and went around.
struct Damage {
  std::uint32_t segment = 0;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
  bool torn_tail = false;  // expected after a crash; else bit rot
  std::string text;
};

struct RecoveryReport {
  std::uint64_t segments = 0, frames = 0, records = 0, bytes = 0, voided_frames = 0;
  std::vector<Damage> damage;
};

// Keeps the bytes of one record readable in memory.
class Pin {
 public:
  Pin() = default;
  Pin(Pin&& other) noexcept;
  Pin& operator=(Pin&& other) noexcept;
  ~Pin();
  explicit operator bool() const { return buffer_ != nullptr; }
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  friend class Log;
  struct Buffer* buffer_ = nullptr;
  std::span<const std::byte> bytes_;
};

class Log {
 public:
  struct Place {
    std::string directory;      // of the shard
    unsigned shard = 0;
    std::uint32_t epoch = 0;    // of this start; durable in the spool's own file already
    std::uint64_t spool_id = 0; // a segment of another spool is refused
  };
  // Reads every record of the shard in order (`visit`), then is ready to append. Segments stay as they are until the
  // caller has said through `add_live` and `add_pin` what still counts, and then calls `start_reclaim`.
  static Task<Result<std::unique_ptr<Log>>> open(shard::Core& core, LogOptions options, Place place,
                                                 std::function<void(const RecordView&)> visit,
                                                 RecoveryReport* report);
  ~Log();

  // The records go into one frame, in order, or none does. `where` gets one Location for each.
  // Errors: exhausted (no free segment, or every buffer is full: stop reading, or answer 452 4.3.1), permanent
  // (larger than a frame). `reserve` lets records of state use the space that messages may not.
  Result<Ticket> append(std::span<const Record> records, std::span<Location> where, bool reserve = false);

  // `Result<void> r = co_await log.durable(ticket)`; resumes with all others of that frame.
  class Durable;
  Durable durable(Ticket ticket);
  // The newest frame that is durable: everything at or before it holds.
  Ticket newest_durable() const;

  // In memory, or nothing when it has gone cold or the pin budget is spent.
  Pin pin(Location where);
  // From memory or disk, checked against its checksum; `into` has where.size bytes. Damaged: permanent error after
  // one re-read.
  Task<Result<void>> read(Location where, std::span<std::byte> into);

  // Reclaim. A segment is freed (durably, by rewriting its header with a new salt) when nothing in it is live and no
  // record in it is still needed to negate a record of another segment that is not yet durably free.
  void add_live(Location where);
  void drop_live(Location where);
  // `negation` (a record in this log) must outlive every segment in `targets`.
  void add_pin(Location negation, std::span<const std::uint32_t> targets);
  // Asked for each pinned record of a segment that is otherwise free: re-append it (or what supersedes it) with
  // append + add_pin and return true; false: it is no longer needed.
  void set_carry(std::function<bool(const RecordView&)> carry);
  void start_reclaim();

  struct Space {
    std::uint64_t segments = 0, free_segments = 0, live_bytes = 0, file_bytes = 0, disk_available = 0, disk_total = 0;
  };
  Space space() const;
  bool accepts_messages() const;  // false: below the reserve, or after too many write errors: answer 452 or 451
  std::uint64_t frames_committed() const;
  // Resumes when nothing is waiting to be written.
  Task<void> drained();

  struct State;

 private:
  explicit Log(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

class Log::Durable final : public ListLink<Log> {
 public:
  Durable(Log& log, Ticket ticket) : log_(log), ticket_(ticket) {}
  bool await_ready();
  void await_suspend(std::coroutine_handle<> awaiting);
  Result<void> await_resume();

 private:
  friend class Log;
  friend struct Log::State;
  Log& log_;
  Ticket ticket_;
  std::coroutine_handle<> awaiting_;
  std::optional<Error> error_;
};

}  // namespace ringpost::journal
