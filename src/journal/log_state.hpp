// The inside of a Log. One struct, in parts: commit (log_commit.cpp), failure (log_failure.cpp), segments and their
// headers (log_segments.cpp), reclaim (log_reclaim.cpp), reading (log_read.cpp), start and end (log_open.cpp).
//
// Layer: durable, private. Owner: one core.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "ringpost/journal/format.hpp"
#include "ringpost/journal/limits.hpp"
#include "ringpost/journal/log.hpp"
#include "ringpost/shard/await.hpp"
#include "ringpost/shard/core.hpp"

#include "commit_buffers.hpp"
#include "figures.hpp"
#include "found_segments.hpp"
#include "segment_table.hpp"

namespace ringpost::journal {

// What the voids take of a segment's first frame.
inline constexpr std::size_t kVoidRoom = record_size(kVoidsMax * sizeof(VoidRange));

// What records take of a frame, and of the index table of its segment.
struct RoomWanted {
  std::size_t size = 0;
  std::size_t listed = 0;
};

// Records on their way to the disk.
struct Frame {
  std::uint64_t sequence = 0;
  CommitBuffer* buffer = nullptr;
  std::uint32_t buffer_offset = 0;
  std::uint32_t segment = kNoSegment;
  std::uint32_t file_offset = 0;
  std::uint32_t size = 0;      // with the header
  std::uint32_t capacity = 0;  // size may grow to this
  std::uint32_t records = 0;
  std::uint32_t records_crc = 0;
  std::uint32_t payload = 0;  // bytes
  bool voids = false;         // begins with the voids that were outstanding
  IntrusiveList<Log::Durable, Log> waiting;

  std::byte* data() const { return buffer->data() + buffer_offset; }
};

struct Log::State : std::enable_shared_from_this<Log::State> {
  State(shard::Core& on, LogOptions with, Place at);
  ~State();

  // Gathering and committing.
  Result<Ticket> append(std::span<const Record> records, std::span<Location> where, Appending how);
  Location put(const Record& record);
  bool fits(RoomWanted wanted, unsigned stream) const;
  bool start_frame(RoomWanted wanted, Appending how);
  bool ensure_segment(RoomWanted wanted, Appending how);
  bool table_fits(std::uint32_t index, std::size_t frame_end, std::size_t listed) const;
  bool takes(unsigned stream, std::size_t size, std::size_t piece) const;
  bool has_room_for_copy(std::size_t size, std::size_t piece) const;
  bool fits_into(unsigned stream, std::size_t files, std::size_t size, std::size_t piece) const;
  std::size_t room_in(unsigned stream) const;
  bool more_files_come() const;
  CommitBuffer* buffer_for(std::size_t size);
  void seal_open();
  void wake_commit();  // the hook runs at this turn's end
  void commit();       // the hook
  enum class When : std::uint8_t { turn_end, at_once };
  void write(Frame& frame, When when);
  bool write_full_frame();
  void written(std::int32_t result);
  void frame_settled(Frame& frame);
  Frame& frame_of(std::uint64_t sequence) { return *frames[sequence % frames.size()]; }
  std::uint64_t newest_appended() const { return next_sequence - 1; }
  bool idle() const { return !in_flight && settled == newest_appended(); }

  // Failure.
  void frame_failed(std::int32_t result);
  void remember_failed(std::uint64_t first, std::uint64_t last);
  void abandon(std::uint32_t index);
  void tell_lost(std::uint64_t first, std::uint64_t last);
  void put_voids();
  bool failed(std::uint64_t sequence) const;
  void settle_voids_of(Segment& segment);
  bool must_void() const { return !voids.empty(); }

  // Segments.
  std::size_t ready_segments() const;
  std::size_t cold_segments() const;
  std::uint32_t ready_for(unsigned stream) const;
  bool is_making_ready(unsigned stream) const;
  std::size_t spare_segments() const;
  void prepare(unsigned stream);
  void close_current(unsigned stream);
  bool is_over(unsigned stream) const;
  void tend_cold_streams();
  void give_back_prepared();
  bool is_to_be_sealed(const Segment& segment) const;
  bool wants_table(const Segment& segment) const;
  void begin_seal(std::uint32_t index);
  void start_table();
  void write_table_piece();
  void table_written(std::int32_t result);
  Task<void> seal_streams();
  void rewrite(std::uint32_t index, Segment::Rewrite what);
  void start_rewrites();
  struct HeaderWrite;
  void write_header(HeaderWrite& writing);
  void rewritten(std::uint32_t index, bool ok);
  void grow();
  Task<Result<void>> make_one();
  Task<void> make_segment(std::shared_ptr<State> self);
  std::uint64_t disk_floor() const;
  bool may_grow() const;

  // Reclaim.
  void add_pin(std::uint32_t segment, const SegmentName& target);
  bool may_free(std::uint32_t index);
  bool are_told(const Segment::Copies& copies);
  bool is_copied_safely(Segment& segment);
  bool all_ends_are_known();
  bool any_voided(unsigned shard_number) const;
  void consider(std::uint32_t index);
  void consider_all();
  void check_candidates();
  void freed(std::uint32_t index);
  void start_emptying();
  bool pressed() const;          // files are about to run out
  double emptied_below() const;  // what lives in a segment takes this part of it, or more: it stays
  bool is_thin(const Segment& segment) const;
  bool stays(const Segment& segment) const;
  bool gains_by_moving(std::span<const Location> places) const;
  std::uint32_t victim() const;
  Task<void> empty(std::shared_ptr<State> self, std::uint32_t index);
  bool guard(unsigned stream);
  Task<Result<void>> guard_streams();
  Task<Result<void>> carry_frame(std::span<const RecordView> records);
  Task<Result<void>> carry_frames(std::uint32_t index);
  Task<Result<void>> carry_all(std::uint32_t index);
  void remove_empty_orphans();
  Task<void> remove_orphan(std::shared_ptr<State> self, std::string directory, std::uint32_t orphan_shard);

  // Scrubbing.
  std::uint32_t next_to_scrub();
  void start_scrub();
  Task<void> scrub_some(std::shared_ptr<State> self);
  void end_scrub();

  // Reading.
  CommitBuffers::Hot hot(Location where) { return buffers.find(where); }
  Task<Result<void>> read(Location where, std::uint32_t skip, std::vector<std::span<std::byte>> into);
  Task<Result<bool>> read_cold(Location where, std::uint32_t skip,
                               std::span<const std::span<std::byte>> into);
  Task<Result<Near>> read_near(std::vector<Location> places);
  Task<Result<void>> read_blocks(std::uint32_t index, class SegmentWalk& walk, std::span<std::byte> window);
  Task<Result<bool>> next_frame(std::uint32_t index, class SegmentWalk& walk,
                                const class AlignedMemory& window);
  Task<Result<void>> walk(std::function<void(const RecordView&)> visit);

  // Start and end.
  Task<Result<void>> open_all();
  Task<Result<void>> take_over(const ShardPlace& where, std::vector<std::string>& unfinished);
  Task<Result<void>> lock_segments(std::span<const FoundSegment> found);
  Task<Result<void>> find_directory(const std::string& directory, unsigned shard, bool orphan);
  std::uint32_t add_found(const FoundSegment& found, unsigned shard, bool orphan,
                          std::span<const VoidRange> found_voids);
  struct Unread {
    FoundSegment found;
    std::uint32_t index = 0;
    std::shared_ptr<const std::vector<VoidRange>> voids;  // of its shard
  };
  struct TableLoad {  // on its way
    SegmentTableRead table;
    bool over = false, good = false;
  };
  Task<Result<void>> recover(RecoveryVisitor visitor);
  std::shared_ptr<TableLoad> begin_to_load(const Unread& each);
  Task<void> load_table(std::shared_ptr<State> self, std::shared_ptr<TableLoad> into, FoundSegment found);
  Task<bool> read_table(Unread& each, const FramePlace& where, std::shared_ptr<TableLoad> load,
                        const RecoveryVisitor& visitor);
  Task<Result<void>> read_all(const RecoveryVisitor& visitor);
  Task<Result<void>> read_frames(Unread& each, const FramePlace& where, const AlignedMemory& window,
                                 const std::function<void(const RecordView&)>& visit);
  void keep(std::uint32_t index);
  bool has_voids(const Segment& segment) const;
  void seal_found();
  Task<Result<void>> make_ready();
  Task<void> drained();
  Task<void> close();

  // Upkeep.
  void upkeep();
  Task<void> look_at_disk(std::shared_ptr<State> self);
  void update_figures();

  shard::Core& core;
  const LogOptions options;
  const Place place;
  Figures figures;
  CommitBuffers buffers;
  SegmentTable segments;

  // A ring, by sequence: settled + 1 .. next_sequence - 1 are on their way; `open` is the last of them or null.
  std::vector<std::unique_ptr<Frame>> frames;
  std::uint64_t next_sequence = 1;
  std::uint64_t settled = 0;
  std::uint64_t released = 0;  // their Frame may be used again
  Frame* open = nullptr;
  CommitBuffer* filling = nullptr;
  // All of them share the one sequence of frames and the one write in flight.
  struct Stream {
    std::uint32_t segment = kNoSegment;  // the current one
    std::uint32_t file_offset = 0;       // in it, where the next frame begins
    bool unguarded = false;              // of a cold one: records were put in it since the last empty frame
    Instant opened_at;
  };
  std::array<Stream, kStreams> streams;
  std::size_t frame_max = 0;

  struct Hook : shard::TurnHook {
    explicit Hook(State& of)
        : TurnHook([](TurnHook& self) { static_cast<Hook&>(self).state.commit(); }), state(of) {}
    State& state;
  } hook{*this};
  struct Write : io::Operation {
    explicit Write(State& of)
        : Operation([](Operation& self, const io::Completion& done) {
            static_cast<Write&>(self).state.written(done.result);
          }),
          state(of) {}
    State& state;
    iovec vector{};
    Instant submitted;
  } frame_write{*this};
  bool in_flight = false;

  struct FailedRange {
    std::uint64_t first = 0, last = 0;
  };
  std::deque<FailedRange> failed_ranges;
  std::uint64_t forgotten = 0;   // up to this one, which have failed is not known any more
  std::vector<VoidRange> voids;  // not yet behind the end of a sealed segment
  std::uint32_t void_holder = kNoSegment;
  bool void_due = false;            // they must be written before anything else is
  std::uint64_t failed_frames = 0;  // and those behind them count as one
  unsigned write_failures = 0;
  int last_errno = 0;
  Instant write_not_before;
  Instant cold_not_before;  // a header of a cold segment failed
  struct Retry : shard::Timer {
    explicit Retry(State& of)
        : Timer([](Timer& self) { static_cast<Retry&>(self).state.wake_commit(); }), state(of) {}
    State& state;
  } retry{*this};

  // Headers are written from a few blocks of memory; who finds none waits.
  struct HeaderWrite : io::Operation {
    explicit HeaderWrite(State& of) : Operation(&HeaderWrite::completed), state(of), memory(kBlockSize) {}
    static void completed(io::Operation& self, const io::Completion& done);
    State& state;
    AlignedMemory memory;
    iovec vector{};
    std::uint32_t segment = kNoSegment;  // kNoSegment: idle
    SegmentHeader header;
  };
  std::vector<std::unique_ptr<HeaderWrite>> header_writes;
  std::deque<std::uint32_t> rewrites_waiting;
  // One table is written at a time, piece by piece, beside the frames.
  struct TableWrite : io::Operation {
    explicit TableWrite(State& of)
        : Operation([](Operation& self, const io::Completion& done) {
            static_cast<TableWrite&>(self).state.table_written(done.result);
          }),
          state(of) {}
    State& state;
    iovec vector{};
    std::uint32_t segment = kNoSegment;  // kNoSegment: idle
    std::size_t at = 0;
  } table_write{*this};
  std::deque<std::uint32_t> tables_waiting;
  std::uint64_t next_segment_sequence = 1;
  bool making_segment = false;
  bool making_failed = false;  // since the last upkeep

  bool opening = true;         // recovery is not over
  std::vector<Unread> unread;  // in the order of recovery
  RecoveryReport found_at_start;
  std::vector<SegmentName> kept_segments;
  struct PinToResolve {
    std::uint32_t segment = 0;
    SegmentName target;
  };
  std::vector<PinToResolve> pins_to_resolve;
  bool reclaiming = false;
  bool held = false;
  bool emptying = false;
  bool elsewhere_released = false;
  std::uint64_t quiet_floor = 0;
  std::vector<std::uint32_t> candidates;
  std::vector<Segment::Copies> found_open;  // cold segments of earlier runs that are not sealed yet
  std::function<Task<Result<void>>(const RecordView&)> on_carry;
  std::function<Task<Result<void>>()> on_carried;
  std::function<void(const RecordView&)> on_lost;
  std::function<void(std::uint32_t)> on_freed;
  std::function<void()> on_upkeep;
  std::function<void(const Damage&)> on_damage;
  struct Scrub {
    std::unique_ptr<SegmentWalk> walk;  // of `segment`, which is kept meanwhile
    std::unique_ptr<AlignedMemory> window;
    std::uint32_t segment = kNoSegment;
    std::uint32_t next = 0;
    Instant not_before;
    RecoveryReport report;
    bool running = false;
  } scrub;
  struct Orphan {
    std::string directory;
    unsigned shard = 0;
    bool removing = false;
  };
  std::vector<Orphan> orphans;

  shard::Signal room;
  shard::Signal quiet;  // something that close or drained waits for has ended
  io::Files::Space disk;
  bool looking_at_disk = false;
  unsigned background = 0;  // tasks alive
  bool ending = false;      // in order: the next start shall be quick
  bool closing = false;
  struct Upkeep : shard::Timer {
    explicit Upkeep(State& of)
        : Timer([](Timer& self) { static_cast<Upkeep&>(self).state.upkeep(); }), state(of) {}
    State& state;
  } upkeep_timer{*this};
};

}  // namespace ringpost::journal
