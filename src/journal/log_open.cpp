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

Task<Result<void>> Log::State::open_all(const std::function<void(const RecordView&)>& visit,
                                        RecoveryReport& report) {
  io::Files& files = core.backend().files();
  RP_CO_CHECK(files.make_directory(place.directory));
  if (const auto slash = place.directory.rfind('/'); slash != std::string::npos && slash != 0)
    RP_CO_CHECK(files.sync_directory(place.directory.substr(0, slash)));
  segments.add_shard(place.shard);
  for (const auto& orphan : place.orphans) segments.add_shard(orphan.shard);
  for (const auto& orphan : place.orphans) {
    RP_CO_CHECK(co_await read_directory(orphan.directory, orphan.shard, true, visit, report));
  }
  RP_CO_CHECK(co_await read_directory(place.directory, place.shard, false, visit, report));
  opening = false;
  for (const PinToResolve& pin : std::exchange(pins_to_resolve, {})) add_pin(pin.segment, pin.target);
  disk = RP_CO_TRY(files.space(place.directory));
  co_return co_await make_ready();
}

// A killed process holds its locks until its last write is over. Only then is what we read what will be.
Task<Result<void>> Log::State::lock_segments(std::span<const FoundSegment> found) {
  io::Files& files = core.backend().files();
  for (const FoundSegment& segment : found) {
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

Task<Result<void>> Log::State::read_directory(const std::string& directory, unsigned shard_number,
                                              bool orphan,
                                              const std::function<void(const RecordView&)>& visit,
                                              RecoveryReport& report) {
  io::Files& files = core.backend().files();
  std::vector<std::string> unfinished;
  {
    // Looked at twice: the headers are what they will be only under the lock.
    RecoveryReport ignored;
    const auto first = RP_CO_TRY(find_segments(files, directory, place.spool_id, true, ignored, &unfinished));
    const auto locked = co_await lock_segments(first);
    close_segments(files, first);
    RP_CO_CHECK(locked);
  }
  for (const std::string& path : unfinished) RP_CO_CHECK(files.unlink(path));
  auto found = RP_CO_TRY(find_segments(files, directory, place.spool_id, true, report, nullptr));
  if (auto locked = co_await lock_segments(found); !locked) {
    close_segments(files, found);
    co_return locked;
  }
  const AlignedMemory window(kWindowSize);
  const auto found_voids = collect_voids(files, found, window);
  for (FoundSegment& each : found) {
    Segment segment;
    segment.shard = shard_number;
    segment.number = each.number;
    segment.file = each.file;
    segment.orphan = orphan;
    segment.header = each.header;
    segment.size = each.size;
    segment.use = each.lost           ? Segment::Use::lost
                  : each.has_frames() ? Segment::Use::closed
                                      : Segment::Use::free;
    const std::uint32_t index = segments.add(std::move(segment));
    if (each.has_frames()) {
      walk_segment(files, each, {shard_number, index, each.number, each.header.sequence}, found_voids, window,
                   visit, report);
      co_await shard::Yield{core};
    }
    adopt(each, index, found_voids);
  }
  co_return Result<void>{};
}

void Log::State::adopt(const FoundSegment& found, std::uint32_t index,
                       std::span<const VoidRange> found_voids) {
  Segment& segment = segments[index];
  segment.end = found.end;
  segment.sealed = found.state() == SegmentState::sealed;
  segment.closed_at = core.now();
  if (segment.orphan || found.lost) return;
  next_segment_sequence = std::max(next_segment_sequence, found.header.sequence + 1);
  // One that was opened ahead and never written to is as good as free. (A sealed one may hide a failed frame of its salt.)
  const bool ready = found.state() == SegmentState::open && found.unused;
  if (ready) segment.use = Segment::Use::free;
  if (!found.has_frames() || ready) {
    // Made for a smaller segment size: a frame might not fit.
    if (segment.size < options.segment_size.count) segment.use = Segment::Use::lost;
    return;
  }
  // The failed frames in it stay void until its header says that it ends before them.
  if (segment.sealed) return;
  for (const VoidRange& range : found_voids)
    if (range.segment == found.number && range.epoch == found.header.epoch && voids.size() + 1 < kVoidsMax)
      voids.push_back(range);
}

// At least one segment for messages and one for state. On a full disk the one for state will do: then no message is taken
// until there is room, but what is here can be delivered, and so make room.
Task<Result<void>> Log::State::make_ready() {
  while (ready_segments() <= kReservedSegments) {
    auto made = co_await make_one();
    if (made) continue;
    const bool full = made.error().system == ENOSPC || made.error().system == EDQUOT;
    if (!full || ready_segments() == 0) co_return made;
    break;
  }
  for (std::uint32_t i = 0; i < segments.size(); ++i)
    if (segments[i].use == Segment::Use::closed && !segments[i].sealed && !segments[i].orphan &&
        std::ranges::any_of(voids,
                            [&](const VoidRange& range) { return range.segment == segments[i].number; }))
      rewrite(i, Segment::Rewrite::seal);
  prepare_next();
  grow();
  core.timers().arm(upkeep_timer, core.now() + kUpkeepInterval);
  while (segments.count(Segment::Use::prepared) == 0) {
    if (segments.count(Segment::Use::preparing) == 0)
      co_return fail(ErrorKind::temporary, "no segment file can be written");
    co_await room.wait();
  }
  update_figures();
  co_return Result<void>{};
}

Task<void> Log::State::drained() {
  while (!idle() && write_failures < kWriteFailuresMax) co_await quiet.wait(core.now() + kUpkeepInterval);
}

Task<void> Log::State::close() {
  co_await drained();
  closing = true;
  core.timers().disarm(upkeep_timer);
  core.timers().disarm(retry);
  rewrites_waiting.clear();
  room.notify_all();
  const auto writing = [&] {
    return std::ranges::any_of(header_writes, [](const auto& write) { return write->segment != kNoSegment; });
  };
  while (background != 0 || in_flight || writing()) co_await quiet.wait(core.now() + kUpkeepInterval);
  static_cast<ListLink<shard::TurnHook>&>(hook).unlink();
  for (std::uint32_t i = 0; i < segments.size(); ++i)
    if (segments[i].file.handle) core.backend().files().close(std::exchange(segments[i].file.handle, {}));
}

void Log::State::upkeep() {
  core.timers().arm(upkeep_timer, core.now() + kUpkeepInterval);
  for (std::uint32_t i = 0; i < segments.size(); ++i)
    if (segments[i].use == Segment::Use::closed && !segments[i].orphan && !segments[i].sealed &&
        segments[i].unwritten == 0 && segments[i].not_before <= core.now() &&
        (segments[i].header.epoch == place.epoch || std::ranges::any_of(voids, [&](const VoidRange& range) {
           return range.segment == segments[i].number;
         })))
      rewrite(i, Segment::Rewrite::seal);
  prepare_next();
  grow();
  consider_all();
  check_candidates();
  start_emptying();
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
  figures.live_bytes.set(static_cast<std::int64_t>(segments.live_bytes()));
}

}  // namespace ringpost::journal
