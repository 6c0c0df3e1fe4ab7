// The start of a log: what the last run left is read. And its orderly end.
#include <algorithm>
#include <cerrno>

#include <fmt/format.h>

#include "ringpost/base/assert.hpp"

#include "found_segments.hpp"
#include "log_state.hpp"

namespace ringpost::journal {

namespace {

constexpr std::size_t kHeaderWrites = 4;
constexpr std::size_t kFramesForEachBuffer =
    4;  // a frame ends early only at the end of a buffer or a segment

Result<void> sync_found(io::Files& files, const std::string& directory, std::span<const FoundSegment> found) {
  bool any = false;
  for (const FoundSegment& segment : found) {
    if (segment.lost || segment.state() != SegmentState::open) continue;
    RP_CHECK(files.sync(segment.file.handle));
    any = true;
  }
  const auto first = std::ranges::find_if(found, [](const auto& each) { return bool(each.file.handle); });
  if (!any && first != found.end()) RP_CHECK(files.sync(first->file.handle));
  return files.sync_directory(directory);
}

// What to do about a segment that could not be made, behind the words of the kernel.
Error with_mend(Error error, Bytes segment_size) {
  if (error.system == EFBIG)
    error.text += fmt::format(
        "; let the process write files of {} bytes (LimitFSIZE= of its unit, ulimit -f), or "
        "make segment_size of [spool] smaller",
        segment_size.count);
  else if (error.system == ENOSPC || error.system == EDQUOT)
    error.text += fmt::format("; make room for a file of {} bytes", segment_size.count);
  return error;
}

// One that was opened ahead and never written to is as good as free, and on a full disk the only one that is. (A sealed one
// may hide a failed frame of its salt.)
void look_for_frames(io::Files& files, FoundSegment& found, const AlignedMemory& window) {
  if (found.lost || found.state() != SegmentState::open) return;
  const auto block = window.bytes().first(kBlockSize);
  if (!has_all(files, found.file.handle, block, kFirstFrame)) return;
  if (const auto first = parse_frame_header(block); first && first->salt == found.header.salt) return;
  RecoveryReport ignored;
  walk_segment(files, found, {}, {}, window, [](const RecordView&) {}, ignored);
}

}  // namespace

Log::State::State(shard::Core& on, LogOptions with, Place at)
    : core(on),
      options(with),
      place(std::move(at)),
      figures(on.figures()),
      buffers(with.buffer_memory, on.backend()),
      room(on),
      quiet(on) {
  for (std::size_t i = 0; i < kFramesForEachBuffer * buffers.count(); ++i)
    frames.push_back(std::make_unique<Frame>());
  for (std::size_t i = 0; i < kHeaderWrites; ++i)
    header_writes.push_back(std::make_unique<HeaderWrite>(*this));
  frame_max = std::min<std::size_t>(kBufferSize, options.segment_size.count - kFirstFrame) -
              sizeof(FrameHeader) - kVoidRoom;
  buffers.on_unpinned([](void* self) { static_cast<State*>(self)->room.notify_all(); }, this);
  for (const auto& orphan : place.orphans) orphans.push_back({orphan.directory, orphan.shard});
}

Log::State::~State() = default;

Task<Result<void>> Log::State::open_all() {
  io::Files& files = core.backend().files();
  RP_CO_CHECK(files.make_directory(place.directory));
  if (const auto slash = place.directory.rfind('/'); slash != std::string::npos && slash != 0)
    RP_CO_CHECK(files.sync_directory(place.directory.substr(0, slash)));
  segments.add_shard(place.shard);
  for (const auto& orphan : place.orphans) segments.add_shard(orphan.shard);
  for (const auto& orphan : place.orphans)
    RP_CO_CHECK(co_await find_directory(orphan.directory, orphan.shard, true));
  RP_CO_CHECK(co_await find_directory(place.directory, place.shard, false));
  disk = RP_CO_TRY(files.space(place.directory));
  co_return co_await make_ready();
}

// A killed process holds its locks until its last write is over. Only then is what we read what will be.
Task<Result<void>> Log::State::lock_segments(std::span<const FoundSegment> found) {
  io::Files& files = core.backend().files();
  for (const FoundSegment& segment : found) {
    if (!segment.file.handle) continue;
    auto locked = files.lock(segment.file.handle);
    for (unsigned attempt = 1;
         !locked && locked.error().kind == ErrorKind::temporary && attempt < kLockAttempts; ++attempt) {
      co_await shard::Sleep(core, kLockPause);
      locked = files.lock(segment.file.handle);
    }
    if (!locked) co_return fail(std::move(locked).error().in("open a segment"));
  }
  co_return Result<void>{};
}

// Under the locks of what is there: what a killed process has written may be in the cache of the device only. Segments are
// written around the page cache, so one that was being written, or any, will do for all.
Task<Result<void>> Log::State::take_over(const ShardPlace& where, std::vector<std::string>& unfinished) {
  io::Files& files = core.backend().files();
  const auto first = RP_CO_TRY(co_await shard::offload(core, [&]() -> Result<std::vector<FoundSegment>> {
    RecoveryReport ignored;
    return find_segments(files, where, true, ignored, &unfinished);
  }));
  auto done = co_await lock_segments(first);
  if (done) done = co_await shard::offload(core, [&] { return sync_found(files, where.directory, first); });
  close_segments(files, first);
  co_return done;
}

// The heads of its segments; what they hold is left to be read. Looked at twice: the headers are what they will be only under
// the lock.
Task<Result<void>> Log::State::find_directory(const std::string& directory, unsigned shard_number,
                                              bool orphan) {
  io::Files& files = core.backend().files();
  const ShardPlace where{directory, shard_number, place.spool_id};
  std::vector<std::string> unfinished;
  RP_CO_CHECK(co_await take_over(where, unfinished));
  for (const std::string& path : unfinished) RP_CO_CHECK(files.unlink(path));
  auto found = RP_CO_TRY(co_await shard::offload(
      core, [&] { return find_segments(files, where, true, found_at_start, nullptr); }));
  if (auto locked = co_await lock_segments(found); !locked) {
    close_segments(files, found);
    co_return locked;
  }
  const auto found_voids = std::make_shared<std::vector<VoidRange>>();
  co_await shard::offload(core, [&] {
    const AlignedMemory window(kWindowSize);
    *found_voids = collect_voids(files, found, window);
    for (FoundSegment& each : found)
      if (!orphan) look_for_frames(files, each, window);
  });
  for (FoundSegment& each : found) {
    const std::uint32_t index = add_found(each, shard_number, orphan, *found_voids);
    if (each.cut != 0 && each.has_frames()) keep(index);
    if (each.has_frames()) unread.push_back({std::move(each), index, found_voids});
  }
  co_return Result<void>{};
}

std::uint32_t Log::State::add_found(const FoundSegment& found, unsigned shard_number, bool orphan,
                                    std::span<const VoidRange> found_voids) {
  Segment segment;
  segment.shard = shard_number;
  segment.number = found.number;
  segment.file = found.file;
  segment.orphan = orphan;
  segment.header = found.header;
  segment.size = found.size;
  segment.use = found.lost           ? Segment::Use::lost
                : found.has_frames() ? Segment::Use::closed
                                     : Segment::Use::free;
  segment.unread = found.has_frames();
  segment.sealed = found.state() == SegmentState::sealed;
  segment.table_size = found.header.table_size;
  if (found.has_frames()) segment.stream = found.header.stream;
  segment.closed_at = core.now();
  if (!orphan && !found.lost) {
    next_segment_sequence = std::max(next_segment_sequence, found.header.sequence + 1);
    // Made for a smaller segment size: a frame might not fit.
    if (!found.has_frames() && segment.size < options.segment_size.count) segment.use = Segment::Use::lost;
  }
  // The failed frames in it stay void until its header says that it ends before them; until then who says so stays too.
  segment.voided =
      found.has_frames() && !segment.sealed && std::ranges::any_of(found_voids, [&](const VoidRange& range) {
        return range.segment == found.number && range.epoch == found.header.epoch;
      });
  segment.holds_voids = found.holds_voids;
  segment.found_open = segment.use == Segment::Use::closed && !segment.sealed && !found.header_lost;
  return segments.add(std::move(segment));
}

Task<Result<void>> Log::State::recover(RecoveryVisitor visitor) {
  ++background;
  auto done = co_await read_all(visitor);
  opening = false;
  for (const PinToResolve& pin : std::exchange(pins_to_resolve, {})) add_pin(pin.segment, pin.target);
  if (done) seal_found();
  --background;
  quiet.notify_all();
  co_return done;
}

// While one segment is visited the table of the next one is read.
Task<Result<void>> Log::State::read_all(const RecoveryVisitor& visitor) {
  const AlignedMemory window(kWindowSize);
  std::vector<Unread> all = std::exchange(unread, {});
  std::shared_ptr<TableLoad> next = all.empty() ? nullptr : begin_to_load(all.front());
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (closing) co_return fail(ErrorKind::cancelled, "the log is closing");
    Unread& each = all[i];
    auto load = std::exchange(next, i + 1 < all.size() ? begin_to_load(all[i + 1]) : nullptr);
    const FramePlace where{segments[each.index].shard, each.index, each.found.number,
                           each.found.header.sequence};
    if (!co_await read_table(each, where, std::move(load), visitor))
      RP_CO_CHECK(co_await read_frames(each, where, window, visitor.visit));
    segments[each.index].end = each.found.end;
    segments[each.index].unread = false;
    co_await shard::Yield{core};
  }
  co_return Result<void>{};
}

// Null: there is none to read.
std::shared_ptr<Log::State::TableLoad> Log::State::begin_to_load(const Unread& each) {
  if (!SegmentTableRead::should_be(each.found, *each.voids)) return nullptr;
  auto load = std::make_shared<TableLoad>();
  core.spawn(load_table(shared_from_this(), load, each.found));
  return load;
}

Task<void> Log::State::load_table(std::shared_ptr<State> self, std::shared_ptr<TableLoad> into,
                                  FoundSegment found) {
  ++background;
  io::Files& files = core.backend().files();
  into->good = co_await shard::offload(core, [&] { return into->table.load(files, found); });
  into->over = true;
  --background;
  quiet.notify_all();
}

// False: the frames must be read.
Task<bool> Log::State::read_table(Unread& each, const FramePlace& where, std::shared_ptr<TableLoad> load,
                                  const RecoveryVisitor& visitor) {
  if (load == nullptr) co_return false;
  while (!load->over) co_await quiet.wait();
  io::Files& files = core.backend().files();
  if (!load->good) {
    found_at_start.add({each.found.number,
                        each.found.header.end,
                        each.found.header.table_size,
                        false,
                        "the index table does not verify; the frames are read",
                        {}});
    co_return false;
  }
  while (load->table.visit_some(files, each.found, where, visitor, kVisitedPerTurn, found_at_start))
    co_await shard::Yield{core};
  if (load->table.missed_blocks()) keep(each.index);
  ++found_at_start.tables;
  each.found.end = each.found.header.end;
  co_return true;
}

// What could not be read today may be readable tomorrow, or to who repairs it.
void Log::State::keep(std::uint32_t index) {
  Segment& segment = segments[index];
  segment.kept = true;
  kept_segments.push_back({segment.shard, segment.number, segment.header.sequence});
}

// As walk_segment does, but with others running between two frames.
Task<Result<void>> Log::State::read_frames(Unread& each, const FramePlace& where, const AlignedMemory& window,
                                           const std::function<void(const RecordView&)>& visit) {
  SegmentWalk walk(each.found.walk_facts());
  while (RP_CO_TRY(co_await next_frame(each.index, walk, window)))
    visit_frame(walk, each.found, where, *each.voids, visit, found_at_start);
  if (walk.missed_blocks()) keep(each.index);
  end_walk(walk, each.found, found_at_start);
  co_return Result<void>{};
}

// At least one segment for messages and one for state. On a full disk the one for state will do: then no message is taken
// until there is room, but what is here can be delivered, and so make room.
Task<Result<void>> Log::State::make_ready() {
  while (ready_segments() <= kReservedSegments) {
    auto made = co_await make_one();
    if (made) continue;
    const bool full = made.error().system == ENOSPC || made.error().system == EDQUOT;
    if (!full || ready_segments() == 0)
      co_return fail(with_mend(std::move(made).error(), options.segment_size));
    break;
  }
  prepare(0);
  grow();
  core.timers().arm(upkeep_timer, core.now() + kUpkeepInterval);
  while (ready_for(0) == kNoSegment) {
    if (!is_making_ready(0)) co_return fail(ErrorKind::temporary, "no segment file can be written");
    co_await room.wait();
  }
  update_figures();
  co_return Result<void>{};
}

bool Log::State::has_voids(const Segment& segment) const {
  return segment.voided || (!segment.orphan && std::ranges::any_of(voids, [&](const VoidRange& range) {
           return range.segment == segment.number;
         }));
}

// Its header shall say where it ends: then its last frame is missed when it does not verify. Of one that could not be read nobody
// knows the end.
bool Log::State::is_to_be_sealed(const Segment& segment) const {
  if (segment.use != Segment::Use::closed || segment.sealed || segment.unread || segment.unwritten != 0)
    return false;
  if (!segment.orphan && segment.header.epoch == place.epoch) return true;
  return !segment.kept && (segment.found_open || has_voids(segment));
}

void Log::State::seal_found() {
  for (std::uint32_t i = 0; i < segments.size(); ++i) {
    if (!is_to_be_sealed(segments[i])) continue;
    if (segments[i].found_open && segments[i].stream != 0)
      found_open.push_back({i, segments[i].header.sequence, ~std::uint64_t{0}});
    rewrite(i, Segment::Rewrite::seal);
  }
}

Task<void> Log::State::drained() {
  while (!idle() && write_failures < kWriteFailuresMax) co_await quiet.wait(core.now() + kUpkeepInterval);
}

Task<void> Log::State::close() {
  co_await drained();
  if (options.seal_at_close) co_await seal_streams();
  closing = true;
  core.timers().disarm(upkeep_timer);
  core.timers().disarm(retry);
  rewrites_waiting.clear();
  room.notify_all();
  const auto writing = [&] {
    return std::ranges::any_of(header_writes, [](const auto& write) { return write->segment != kNoSegment; });
  };
  while (background != 0 || in_flight || writing() || table_write.segment != kNoSegment)
    co_await quiet.wait(core.now() + kUpkeepInterval);
  if (scrub.walk != nullptr) end_scrub();
  static_cast<ListLink<shard::TurnHook>&>(hook).unlink();
  for (std::uint32_t i = 0; i < segments.size(); ++i)
    if (segments[i].file.handle) core.backend().files().close(std::exchange(segments[i].file.handle, {}));
}

void Log::State::upkeep() {
  core.timers().arm(upkeep_timer, core.now() + kUpkeepInterval);
  for (std::uint32_t i = 0; i < segments.size(); ++i)
    if (segments[i].seal_not_before <= core.now() && is_to_be_sealed(segments[i]))
      rewrite(i, Segment::Rewrite::seal);
  tend_cold_streams();
  prepare(0);
  making_failed = false;
  grow();
  consider_all();
  check_candidates();
  start_emptying();
  start_scrub();
  if (void_due || settled != newest_appended()) wake_commit();
  if (!looking_at_disk) core.spawn(look_at_disk(shared_from_this()));
  update_figures();
  if (on_upkeep) on_upkeep();
}

Task<void> Log::State::look_at_disk(std::shared_ptr<State> self) {
  ++background;
  looking_at_disk = true;
  const auto space = co_await shard::offload(
      core,
      [&files = core.backend().files(), directory = place.directory] { return files.space(directory); });
  if (space) disk = *space;
  looking_at_disk = false;
  --background;
  quiet.notify_all();
}

void Log::State::update_figures() {
  figures.buffers_pinned.set(static_cast<std::int64_t>(buffers.pinned()));
  figures.segments.set(segments.size());
  figures.segments_free.set(static_cast<std::int64_t>(ready_segments()));
  figures.segments_cold.set(static_cast<std::int64_t>(cold_segments()));
  figures.live_bytes.set(static_cast<std::int64_t>(segments.live_bytes()));
}

}  // namespace ringpost::journal
