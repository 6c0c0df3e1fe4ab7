// Giving segments back, and emptying those that old messages keep.
#include <algorithm>

#include "ringpost/base/assert.hpp"

#include "found_segments.hpp"
#include "log_state.hpp"

namespace ringpost::journal {

namespace {

// With no file to be made and few left, segments that are half full are emptied too, and young ones.
constexpr double kPressedBelow = 0.5;
// Copies are gathered and stand close together: this part more covers the heads and ends of their frames.
constexpr std::uint64_t kFramesTake = 64;

// What lives in it takes so many bytes of other files, when it has been emptied: whole blocks, of each stream a frame that is
// not full, and one behind it.
std::uint64_t size_elsewhere(const Segment& segment) {
  return round_up(segment.live_bytes + segment.live_bytes / kFramesTake, kBlockSize) +
         2 * kStreams * kBlockSize;
}

}  // namespace

bool Log::State::may_free(std::uint32_t index) {
  Segment& segment = segments[index];
  if (segment.holds_voids && any_voided(segment.shard)) return false;
  return reclaiming && !held && !segment.kept && segment.use == Segment::Use::closed &&
         segment.rewrite == Segment::Rewrite::none && segment.unwritten == 0 && segment.live_records == 0 &&
         segment.readers == 0 && segment.pins.empty() &&
         settled >= std::max(segment.quiet_after, quiet_floor) && !(must_void() && void_holder == index) &&
         segment.not_before <= core.now() && is_copied_safely(segment) && all_ends_are_known();
}

// Whether damage of those frames would be told: there is a good one behind, or the header says where the segment ends. A frame
// that does not verify and has neither is taken for one that was not written whole. Or nothing counts there any more.
bool Log::State::are_told(const Segment::Copies& copies) {
  Segment& segment = segments[copies.segment];
  if (!segment.holds_frames() || segment.header.sequence != copies.sequence || segment.sealed ||
      segment.newest_frame > copies.frame)
    return true;
  return segment.live_records == 0 && settled >= segment.quiet_after && is_copied_safely(segment);
}

// What was copied away from it, and stands nowhere else when it is free.
bool Log::State::is_copied_safely(Segment& segment) {
  std::erase_if(segment.copies, [&](const Segment::Copies& copies) { return are_told(copies); });
  return segment.copies.empty();
}

// What a crash left open: nobody knows of the last copies there whose originals they stand for.
bool Log::State::all_ends_are_known() {
  std::erase_if(found_open, [&](const Segment::Copies& copies) {
    return segments[copies.segment].kept || are_told(copies);
  });
  return found_open.empty();
}

// Of the shard, some segment has frames that only the voids in another one tell from good ones.
bool Log::State::any_voided(unsigned shard_number) const {
  for (std::uint32_t i = 0; i < segments.size(); ++i)
    if (segments[i].voided && segments[i].shard == shard_number) return true;
  return false;
}

void Log::State::add_pin(std::uint32_t segment, const SegmentName& name) {
  const std::uint32_t target = segments.target_of(name);
  if (target == kNoSegment || target == segment || (target == kElsewhere && elsewhere_released)) return;
  segments.add_pin(segment, target);
}

// To be looked at after every commit until it is freed or holds something again.
void Log::State::consider(std::uint32_t index) {
  const Segment& segment = segments[index];
  if (segment.use != Segment::Use::closed || segment.live_records != 0 || !segment.pins.empty()) return;
  if (std::ranges::find(candidates, index) == candidates.end()) candidates.push_back(index);
}

void Log::State::consider_all() {
  for (std::uint32_t i = 0; i < segments.size(); ++i) consider(i);
}

void Log::State::check_candidates() {
  if (!reclaiming || held || closing) return;
  std::erase_if(candidates, [&](std::uint32_t index) {
    Segment& segment = segments[index];
    if (segment.use != Segment::Use::closed || segment.live_records != 0 || !segment.pins.empty())
      return true;
    if (!may_free(index)) return false;
    segments.set_use(index, Segment::Use::freeing);
    rewrite(index, Segment::Rewrite::free);
    return true;
  });
}

// Its header on disk says so: nothing in it needs to be negated any more.
void Log::State::freed(std::uint32_t index) {
  Segment& segment = segments[index];
  RP_ASSERT(segment.live_records == 0);
  segments.set_use(index, Segment::Use::free, 0);
  segment.sealed = segment.voided = segment.holds_voids = segment.found_open = false;
  segment.failed_seals = 0;
  segment.left_at.reset();
  segment.end = kFirstFrame;
  segment.previous_crc = 0;
  segment.table_size = 0;
  segment.quiet_after = 0;
  if (!segment.orphan) settle_voids_of(segment);
  buffers.forget(index);
  segments.drop_pins_to(index);
  figures.segments_freed.add();
  if (on_freed) on_freed(index);
  if (segment.orphan) remove_empty_orphans();
  consider_all();
  check_candidates();
  prepare(0);
  room.notify_all();
  wake_commit();
}

bool Log::State::pressed() const {
  return ready_segments() <= kReservedSegments + 1 && !may_grow();
}

double Log::State::emptied_below() const {
  return pressed() ? std::max(kPressedBelow, options.compact_below) : options.compact_below;
}

bool Log::State::is_thin(const Segment& segment) const {
  return segment.use == Segment::Use::closed && !segment.kept &&
         static_cast<double>(size_elsewhere(segment)) < emptied_below() * static_cast<double>(segment.size);
}

// The segments that are thin can be given back, for all of what stands at the places and all else that lives in those; and others in
// which nothing else lives, for that alone.
bool Log::State::gains_by_moving(std::span<const Location> places) const {
  struct Part {
    std::uint32_t segment = 0;
    std::uint64_t bytes = 0;  // of what stands at the places
  };
  std::vector<Part> parts;
  for (const Location where : places) {
    if (segments[where.segment].is_endless()) return true;
    auto part = std::ranges::find(parts, where.segment, &Part::segment);
    if (part == parts.end()) part = parts.insert(parts.end(), {where.segment, 0});
    part->bytes += record_size(where.size);
  }
  std::uint64_t moved = 0, given_back = 0;
  for (const Part& part : parts) {
    const Segment& segment = segments[part.segment];
    const bool alone =
        segment.use == Segment::Use::closed && !segment.kept && part.bytes == segment.live_bytes;
    moved += is_thin(segment) ? size_elsewhere(segment) : part.bytes;
    if (alone || is_thin(segment)) given_back += segment.size;
  }
  return static_cast<double>(moved) < emptied_below() * static_cast<double>(given_back);
}

// Its owner left there what still lives there, for nothing was gained by it.
bool Log::State::stays(const Segment& segment) const {
  if (!segment.left_at || segment.live_records == 0) return false;
  return *segment.left_at + (pressed() ? kStayRetryPressed : kStayRetry) > core.now();
}

std::uint32_t Log::State::victim() const {
  const bool pressed = this->pressed();
  std::uint32_t found = kNoSegment;
  for (std::uint32_t i = 0; i < segments.size(); ++i) {
    const Segment& segment = segments[i];
    if (segment.use != Segment::Use::closed || segment.kept || segment.rewrite != Segment::Rewrite::none ||
        segment.unwritten != 0 || segment.readers != 0 || segment.not_before > core.now())
      continue;
    if (segment.live_records == 0 && segment.pins.empty()) continue;
    if (!pressed && segment.closed_at + options.compact_after > core.now()) continue;
    if (!segment.is_endless() && (stays(segment) || !is_thin(segment))) continue;
    // The oldest first: when it is free, the later ones lose their reason to stay.
    if (found == kNoSegment || segment.header.sequence < segments[found].header.sequence) found = i;
  }
  return found;
}

void Log::State::start_emptying() {
  if (!reclaiming || held || emptying || closing || !on_carry || write_failures != 0) return;
  const std::uint32_t index = victim();
  if (index == kNoSegment) return;
  emptying = true;
  core.spawn(empty(shared_from_this(), index));
}

Task<void> Log::State::empty(std::shared_ptr<State> self, std::uint32_t index) {
  ++background;
  ++segments[index].readers;
  const std::uint64_t failures = failed_frames;
  auto carried = co_await carry_all(index);
  if (auto guarded = co_await guard_streams(); carried) carried = std::move(guarded);
  // What was appended instead must be durable before the originals go.
  if (carried && settled < newest_appended()) carried = co_await Durable(*this, Ticket{newest_appended()});
  // What stood in a frame that failed is appended again by its owner, some time or other.
  if (carried && failed_frames != failures)
    carried = fail(ErrorKind::temporary, "a frame could not be written");
  Segment& segment = segments[index];
  --segment.readers;
  if (carried) {  // also when something was left: others say now what it negated
    segment.pins.clear();
    segment.quiet_after = std::max(segment.quiet_after, newest_appended());
  }
  if (carried && segment.live_records == 0) {
    figures.segments_emptied.add();
    consider(index);
    check_candidates();
  } else {
    segment.not_before = core.now() + kEmptyRetry;
    if (carried) segment.left_at = core.now();
  }
  emptying = false;
  --background;
  quiet.notify_all();
  if (carried) start_emptying();
}

// An empty frame behind the last copies; where there is no room for one the segment is closed, and its header will say where they
// end. False: there is no buffer, or too many frames are on their way.
bool Log::State::guard(unsigned stream) {
  seal_open();
  const Stream& now = streams[stream];
  if (!table_fits(now.segment, now.file_offset + sizeof(FrameHeader), 0)) {
    close_current(stream);
    return true;
  }
  if (!start_frame({}, {.reserve = true, .stream = stream})) return false;
  streams[stream].unguarded = false;
  wake_commit();
  return true;
}

Task<Result<void>> Log::State::guard_streams() {
  for (unsigned stream = 1; stream < kStreams; ++stream)
    while (streams[stream].unguarded && !guard(stream)) {
      const bool over = closing || write_failures != 0;
      if (over || !co_await room.wait(core.now() + kEmptyRetry))
        co_return fail(ErrorKind::temporary, "no room behind the copies");
    }
  co_return Result<void>{};
}

Task<Result<void>> Log::State::carry_frame(std::span<const RecordView> records) {
  for (const RecordView& record : records) {
    if (closing || held) co_return fail(ErrorKind::cancelled, "the log is closing");
    RP_CO_CHECK(co_await on_carry(record));
  }
  co_return Result<void>{};
}

Task<Result<void>> Log::State::carry_frames(std::uint32_t index) {
  const AlignedMemory window(kWindowSize);
  const Segment& segment = segments[index];
  const FramePlace from{segment.shard, index, segment.number, segment.header.sequence};
  SegmentWalk walk(segment.walk_facts());
  RecoveryReport ignored;
  std::vector<RecordView> records;
  Duration debt{0};
  while (RP_CO_TRY(co_await next_frame(index, walk, window))) {
    records.clear();
    visit_records(walk, from, [&](const RecordView& view) { records.push_back(view); }, ignored);
    RP_CO_CHECK(co_await carry_frame(records));
    debt += std::chrono::nanoseconds{1'000'000'000 * walk.frame().size() / options.compact_rate.count};
    if (debt < kCompactPause || pressed()) {
      co_await shard::Yield{core};
      continue;
    }
    co_await shard::Sleep(core, std::exchange(debt, Duration{0}));
  }
  if (!walk.missed_blocks() && walk.damages().empty() && ignored.damages == 0) co_return Result<void>{};
  // What ends a message may stand in what could not be read: the segment stays for who can repair it.
  keep(index);
  co_return fail(ErrorKind::permanent, "a part of the segment cannot be read");
}

Task<Result<void>> Log::State::carry_all(std::uint32_t index) {
  auto carried = co_await carry_frames(index);
  // Also when it failed: nothing that was gathered is kept.
  if (auto gathered = on_carried ? co_await on_carried() : Result<void>{}; carried)
    carried = std::move(gathered);
  co_return carried;
}

// A shard without a core whose segments are all free: nothing of it is needed any more.
void Log::State::remove_empty_orphans() {
  for (auto& orphan : orphans) {
    if (orphan.removing || closing) continue;
    bool empty = true;
    for (std::uint32_t i = 0; i < segments.size(); ++i)
      empty = empty && (segments[i].shard != orphan.shard || !segments[i].orphan ||
                        segments[i].use == Segment::Use::free);
    if (!empty) continue;
    orphan.removing = true;
    core.spawn(remove_orphan(shared_from_this(), orphan.directory, orphan.shard));
  }
}

Task<void> Log::State::remove_orphan(std::shared_ptr<State> self, std::string directory,
                                     std::uint32_t orphan_shard) {
  ++background;
  std::vector<std::string> paths;
  std::vector<io::Handle> handles;
  for (std::uint32_t i = 0; i < segments.size(); ++i) {
    if (segments[i].shard != orphan_shard || !segments[i].orphan) continue;
    paths.push_back(segment_path(directory, segments[i].number));
    handles.push_back(std::exchange(segments[i].file.handle, {}));
  }
  co_await shard::offload(core, [&files = core.backend().files(), paths, handles, directory] {
    for (const io::Handle handle : handles) files.close(handle);
    for (const std::string& path : paths) (void)files.unlink(path);
    (void)files.sync_directory(directory);
    (void)files.remove_directory(directory);
  });
  --background;
  quiet.notify_all();
}

}  // namespace ringpost::journal
