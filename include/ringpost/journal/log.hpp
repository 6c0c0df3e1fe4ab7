// The log engine of one core: records go in, become durable in batches, and are read back.
//
// Layer:   durable (base, buffer, observe, io, shard, scan). Owner: one core; one writer, no locks, no timers.
// Commit:  records gather in the open frame. At the end of a turn, when no write is in flight, the frame is sealed
//          (header, checksums, zero padding to 4 KiB) and written with one O_DIRECT + RWF_DSYNC write. The next frame
//          gathers meanwhile. So exactly one write is in flight, and a torn tail is unambiguous.
// Memory:  frames are built in registered 1 MiB buffers that stay readable afterwards (hot) until they are reused; a
//          buffer under a Pin is not reused. Past the pin budget `pin` gives nothing and the reader goes to the disk.
// Format:  journal/format.hpp and docs/spool.md. Knows record types only as numbers; 255 is its own.
// Errors:  a failed or short write fails the records of its frame and of those gathered behind it; the segment is
//          closed at its last good frame, the next frame goes to a new segment and voids the failed ones before it
//          promises anything.
// Reclaim: a segment is freed by durably rewriting its header with a new salt, once nothing in it is live, nobody
//          reads it, and no record in it negates a record of a segment that is not yet durably free.
// Limits:  journal/limits.hpp.
#pragma once

#include <array>
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
#include "ringpost/journal/limits.hpp"
#include "ringpost/journal/options.hpp"
#include "ringpost/journal/records.hpp"
#include "ringpost/shard/await.hpp"
#include "ringpost/shard/core.hpp"

namespace ringpost::journal {

// What the index table of a sealed segment says of a record. The visit of Log::open gets that, or what the frames hold.
enum class InTable : std::uint8_t {
  payload,  // all of it
  summary,  // Record::summary in place of the payload
  nothing,  // not even that it is there: another record tells
};

// A record to append: `parts` are copied in order, then forgotten.
struct Record {
  std::uint8_t type = 0;  // 1 to 254
  std::uint8_t flags = 0;
  MessageId id;
  std::span<const std::span<const std::byte>> parts;
  InTable in_table = InTable::payload;
  std::span<const std::byte> summary;  // at most kTableBytesMax; copied
};

// Streams behind the first one are for copies of records that are on the disk elsewhere, and stay there until the copies are
// durable: recovery shows them before everything else, so nothing may count on an order between them and other records.
// Those of one stream keep theirs.
struct Appending {
  bool reserve =
      false;  // may use the space that messages may not: records of state, and what gives space back
  unsigned stream = 0;  // below kStreams
};

// The frame that a record went into; wait for it with Log::durable.
struct Ticket {
  std::uint64_t frame = 0;
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
  class CommitBuffer* buffer_ = nullptr;
  std::span<const std::byte> bytes_;
};

// Names one use of one segment file for ever: after it is freed, the sequence never comes back. What a record keeps to
// name the segments that it negates.
struct SegmentName {
  std::uint32_t shard = 0;
  std::uint32_t number = 0;
  std::uint64_t sequence = 0;
  bool operator==(const SegmentName&) const = default;
};
// Whether both may mean the same use: a sequence of 0 was lost with a header, so it may be any.
constexpr bool may_be_same(const SegmentName& a, const SegmentName& b) {
  return a.shard == b.shard && a.number == b.number &&
         (a.sequence == b.sequence || a.sequence == 0 || b.sequence == 0);
}

// What one read found of records that lie near each other.
struct Near {
  std::vector<std::span<const std::byte>>
      payloads;                        // without data: not read, or damaged; calls for Log::read
  std::shared_ptr<const void> memory;  // of all payloads
  std::size_t size = 0;                // of it, in bytes
};

class Log {
 public:
  struct Place {
    std::string directory;  // of the shard
    unsigned shard = 0;
    std::uint32_t epoch = 0;     // of this start; durable in the spool's own file already
    std::uint64_t spool_id = 0;  // a segment of another spool is refused
    // Shards that no core owns any more: read and freed here, never written. A directory that is empty disappears.
    struct Orphan {
      std::string directory;
      unsigned shard = 0;
    };
    std::vector<Orphan> orphans;
  };
  using Visit = std::function<void(Log&, const RecordView&)>;
  // Makes the directory if need be, looks at the head of every segment, and is ready to append: what the last run left is
  // not read yet.
  static Task<Result<std::unique_ptr<Log>>> open(shard::Core& core, LogOptions options, Place place);
  // Then, once: reads every record that was there at the opening (the orphans first; `visit` gets those of one shard in
  // order). Others run in between. Say through `add_live` and `add_pin` what still counts, during the visit or
  // after; nothing is freed before `start_reclaim`. The report has what the opening found too.
  // `ahead` hears of a record some steps before its visit: who has a table to look its id up in can have that fetched.
  using Ahead = std::function<void(MessageId id)>;
  Task<Result<void>> recover(Visit visit, RecoveryReport* report, Ahead ahead = {});
  // Both.
  static Task<Result<std::unique_ptr<Log>>> open(shard::Core& core, LogOptions options, Place place,
                                                 Visit visit, RecoveryReport* report);
  // After close(), or after the backend has died.
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  // The records go into one frame, in order, or none does. `where` gets one Location for each.
  // Errors: exhausted (no room just now: wait_for_room, or answer 452 4.3.1), permanent (larger than a frame).
  Result<Ticket> append(std::span<const Record> records, std::span<Location> where, Appending how = {});
  // False: there are no files for so many bytes in that stream, in records of `piece` at most, and none will come by
  // themselves; the first one may take them.
  bool takes(unsigned stream, std::size_t size, std::size_t piece) const;
  // Whether the first stream has room for a copy of so many bytes to its end, in such records. One that is given up half-way has used
  // the files that are kept for records of state.
  bool has_room_for_copy(std::size_t size, std::size_t piece) const;
  // Resumes when appending may work again; false when the deadline passed first.
  shard::Signal::Waiting wait_for_room(Instant deadline);
  // The largest payload that a frame takes beside `records - 1` others of no size.
  std::size_t payload_max(std::size_t records = 1) const;

  // `Result<void> r = co_await log.durable(ticket)`; resumes with all others of that frame.
  class Durable;
  Durable durable(Ticket ticket);
  // Every frame at or before it has been written, or has failed (`failed` knows).
  Ticket newest_settled() const;
  bool failed(Ticket ticket) const;  // also said of a good one, when kFailedRangesMax outages came after it
  // The frame that the next record goes into, or a later one.
  Ticket next_ticket() const;

  // The payload while it is hot, else nothing; valid until the next append or the end of the turn.
  std::span<const std::byte> peek(Location where) const;
  // In memory, or nothing when it has gone cold or the pin budget is spent.
  Pin pin(Location where);
  // From memory or disk, checked against its checksum; damaged: permanent error after one re-read. Skips `skip` bytes of
  // the payload, then fills the spans of `into` (together at most the rest). Needs a block of the core's pool when cold.
  // The record must be live, or in a segment that cannot be freed meanwhile.
  Task<Result<void>> read(Location where, std::uint32_t skip, std::vector<std::span<std::byte>> into);
  Task<Result<void>> read(Location where, std::span<std::byte> into);
  // Records of one segment, in the order of their offsets, the end of the last one at most kNearBytes behind the begin of
  // the first: with one read, and left where it put them.
  Task<Result<Near>> read_near(std::vector<Location> places);
  // Every record of every segment in use, in the order of recovery, with reads off the mail path. Between two segments
  // others run; hold reclaim meanwhile.
  Task<Result<void>> walk(std::function<void(const RecordView&)> visit);

  // What counts. `drop_live` may be said when the record that supersedes `where` has been appended: the segment is not
  // freed before that one is durable.
  void add_live(Location where);
  void drop_live(Location where);
  // Said of a copy in another stream than the first, before the original is dropped: its segment is not freed before damage of
  // the copy would be told. Both have been appended, the copy with the last records.
  void note_copy(Location original, Location copy);
  // `negation` (a record in this log) must outlive every segment in `targets` that is still in use. Its own segment does
  // not count. A shard that this log does not hold counts as in use until `release_elsewhere`.
  void add_pin(Location negation, std::span<const SegmentName> targets);
  // Whether anything in the segment of that record must outlive another one still: not what has been appended again.
  bool negates(Location where) const;
  void release_elsewhere();
  SegmentName name_of(Location where) const;
  std::uint32_t epoch_of(Location where) const;  // in which all records of its segment were written
  // Of which a part could not be read at the start: nobody knows what counts in them, so they are not freed in this run. A
  // record that ends something must name them too.
  std::span<const SegmentName> kept_segments() const;
  // What belongs to that record is missing. If there are such segments it may be in one of them, and the record's own is kept too.
  void keep_beside_unread(Location where);
  // True until that use of the segment is durably over, and always for a shard that this log does not hold until
  // `release_elsewhere`.
  bool in_use(const SegmentName& name) const;

  // Whether moving what stands at these places, all of it, gives space back. Their segments become free where nothing else lives
  // there, or so little that it is moved too; all that is moved must take less than `compact_below` of them, or half when files are
  // about to run out. Where nothing is gained `carry` may leave the records that stand in the segment.
  bool gains_by_moving(std::span<const Location> places) const;

  // Asked for every record of a segment that is being emptied (live records and pinned ones; the callee knows which):
  // re-append what still counts and drop what it supersedes. The payload is valid until the task ends. An error leaves
  // the segment as it is, to be tried again later; so does a record that was left, to be tried much later.
  // `then` (may be none) follows on those of the segment: what `carry` has only gathered is appended.
  void set_carry(std::function<Task<Result<void>>(const RecordView&)> carry,
                 std::function<Task<Result<void>>()> then = {});
  // Told each record of a failed frame, in order, before waiters resume: append again what was a fact and no promise.
  // The payloads are valid until all have been told. Reclaim waits until what was appended is durable.
  void set_lost(std::function<void(const RecordView&)> lost);
  // Told when a segment is durably free.
  void set_freed(std::function<void(std::uint32_t segment)> freed);
  // Called once a second, off the mail path, and when a write has succeeded after an error.
  void set_upkeep(std::function<void()> upkeep);
  // Told of rot that the background scrub has found.
  void set_damage(std::function<void(const Damage&)> damage);
  void start_reclaim();
  void hold_reclaim(bool hold);

  struct Space {
    std::uint64_t segments = 0, free_segments = 0, live_bytes = 0, file_bytes = 0, disk_available = 0,
                  disk_total = 0;
    std::uint64_t orphan_segments = 0, pinned_segments = 0;
    std::array<std::uint64_t, kStreams> stream_segments{};  // of each stream, those that hold something
  };
  Space space() const;
  bool accepts_messages()
      const;                  // false: below the reserve, or after too many write errors: answer 452 or 451
  bool write_errors() const;  // true: it is the errors
  bool disk_is_low() const;   // true: it is the reserve of the disk
  std::uint64_t frames_committed() const;
  // For how long the write in flight has been; 0 when there is none.
  Duration write_age() const;
  // Resumes when nothing is waiting to be written.
  Task<void> drained();
  // Writes what waits, ends what runs in the background. No append afterwards.
  Task<void> close();

  struct State;
  friend FramePool& frame_pool(Log& log) { return log.frames(); }

 private:
  explicit Log(std::shared_ptr<State> state);
  FramePool& frames();
  std::shared_ptr<State> state_;
};

class [[nodiscard]] Log::Durable final : public ListLink<Log> {
 public:
  Durable(Log& log, Ticket ticket) : log_(*log.state_), ticket_(ticket) {}
  bool await_ready() const;
  void await_suspend(std::coroutine_handle<> awaiting);
  Result<void> await_resume() const;

 private:
  friend class Log;
  friend struct Log::State;
  Durable(State& log, Ticket ticket) : log_(log), ticket_(ticket) {}
  State& log_;
  Ticket ticket_;
  std::coroutine_handle<> awaiting_;
};

}  // namespace ringpost::journal
