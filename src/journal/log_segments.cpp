// Segment files: made ahead, opened, sealed and freed by rewriting their header.
#include <algorithm>
#include <cstring>

#include "ringpost/base/assert.hpp"

#include "found_segments.hpp"
#include "log_state.hpp"

namespace ringpost::journal {

namespace {

// What stays free on the disk when a segment is made for records of state alone.
constexpr std::uint64_t kDiskSpare = 16ULL << 20;
// After so many attempts it is tried once a minute to write a header that says where a segment ends.
constexpr unsigned kSealPauseDoublings = 6;

// Under another name until it is whole, so that a crash leaves no segment without a header.
Result<io::File> make_file(io::Files& files, const std::string& directory, const SegmentHeader& header,
                           std::uint64_t size) {
  const std::string path = segment_path(directory, header.number);
  const std::string unfinished = path + ".new";
  const io::File file = RP_TRY(files.open(unfinished, {.write = true, .create = true, .truncate = true}));
  const auto fill = [&]() -> Result<void> {
    RP_CHECK(files.zero_fill(file.handle, size));
    const AlignedMemory block(kBlockSize);
    std::memset(block.data(), 0, kBlockSize);
    std::memcpy(block.data(), &header, sizeof header);
    RP_CHECK(files.write_at(file.handle, block.bytes(), (header.generation % kHeaderSlots) * kBlockSize));
    return files.sync(file.handle);
  };
  auto filled = fill();
  files.close(file.handle);
  if (!filled) {
    (void)files.unlink(unfinished);
    return fail(std::move(filled).error());
  }
  RP_CHECK(files.rename(unfinished, path));
  RP_CHECK(files.sync_directory(directory));
  const io::File made = RP_TRY(files.open(path, {.write = true, .direct = true}));
  if (auto locked = files.lock(made.handle); !locked) {
    files.close(made.handle);
    return fail(std::move(locked).error());
  }
  return made;
}

}  // namespace

// For new records: what is made ready for another stream counts no more.
std::size_t Log::State::ready_segments() const {
  return segments.count(Segment::Use::free, 0) + segments.count(Segment::Use::preparing, 0) +
         segments.count(Segment::Use::prepared, 0);
}

// Those of orphan shards too.
std::size_t Log::State::cold_segments() const {
  std::size_t found = 0;
  for (std::uint32_t i = 0; i < segments.size(); ++i)
    if (segments[i].stream != 0 && segments[i].holds_frames()) ++found;
  return found;
}

std::uint32_t Log::State::ready_for(unsigned stream) const {
  if (segments.count(Segment::Use::prepared, stream) == 0) return kNoSegment;
  for (std::uint32_t i = 0; i < segments.size(); ++i)
    if (segments[i].use == Segment::Use::prepared && segments[i].stream == stream) return i;
  return kNoSegment;
}

bool Log::State::is_making_ready(unsigned stream) const {
  return segments.count(Segment::Use::preparing, stream) != 0;
}

// What may be had of files without touching those for new records.
std::size_t Log::State::spare_segments() const {
  const std::size_t ready = ready_segments();
  return ready > kReservedSegments + 1 ? ready - (kReservedSegments + 1) : 0;
}

// One segment is open ahead of the current one of the first stream, so that changing over costs nothing.
void Log::State::prepare(unsigned stream) {
  if (closing || is_making_ready(stream) || ready_for(stream) != kNoSegment) return;
  if (stream != 0 && spare_segments() == 0) return;
  for (std::uint32_t i = 0; i < segments.size(); ++i) {
    if (segments[i].use != Segment::Use::free || segments[i].orphan || segments[i].not_before > core.now())
      continue;
    segments.set_use(i, Segment::Use::preparing, stream);
    rewrite(i, Segment::Rewrite::open);
    return;
  }
}

// The frame that gathers is another's, or has been sealed.
void Log::State::close_current(unsigned stream) {
  const std::uint32_t index = std::exchange(streams[stream], {}).segment;
  if (index == kNoSegment) return;
  RP_ASSERT(open == nullptr || open->segment != index);
  Segment& segment = segments[index];
  segments.set_use(index, Segment::Use::closed);
  segment.closed_at = core.now();
  if (segment.unwritten == 0) begin_seal(index);
  consider(index);
}

// Nothing lives in its segment any more, or it has been open for so long that it shall be given a chance to be emptied.
bool Log::State::is_over(unsigned stream) const {
  const Stream& at = streams[stream];
  if (at.segment == kNoSegment) return false;
  const Segment& segment = segments[at.segment];
  if (segment.unwritten != 0) return false;  // the frame that gathers is one of those
  const Duration life = options.stream_life[stream];
  return segment.live_records == 0 || (life.count() != 0 && at.opened_at + life <= core.now());
}

// Little mail would keep them open for ever: while one is open it is not freed, and who negates something in it stays too.
void Log::State::tend_cold_streams() {
  for (unsigned stream = 1; stream < kStreams; ++stream) {
    if (is_over(stream))
      close_current(stream);
    else if (streams[stream].unguarded && !emptying && write_failures == 0)
      (void)guard(stream);  // no room for it when copies were put there
  }
  if (pressed()) give_back_prepared();
}

// Opened for a cold stream, and not used.
void Log::State::give_back_prepared() {
  for (std::uint32_t i = 0; i < segments.size(); ++i) {
    if (segments[i].use != Segment::Use::prepared || segments[i].stream == 0) continue;
    segments.set_use(i, Segment::Use::freeing);
    rewrite(i, Segment::Rewrite::free);
  }
}

// When hardly anything lives in it, it will be free or emptied soon; should a crash come before, its frames are read. So mail
// that goes at the first try costs no place in a table.
bool Log::State::wants_table(const Segment& segment) const {
  return ending || !reclaiming || segment.live_bytes * kTableWorth >= segment.put_bytes;
}

// No frame is on its way to it: its table is written, then the header that says so.
void Log::State::begin_seal(std::uint32_t index) {
  Segment& segment = segments[index];
  if (!wants_table(segment)) segment.table.reset();
  if (segment.table && segment.end + segment.table->size() > segment.size) segment.table.reset();
  if (!segment.table) return rewrite(index, Segment::Rewrite::seal);
  segment.table->finish(segment.header.salt, segment.header.epoch, segment.end);
  ++segment.unwritten;
  tables_waiting.push_back(index);
  start_table();
}

void Log::State::start_table() {
  if (table_write.segment != kNoSegment || tables_waiting.empty()) return;
  table_write.segment = tables_waiting.front();
  table_write.at = 0;
  tables_waiting.pop_front();
  write_table_piece();
}

void Log::State::write_table_piece() {
  const Segment& segment = segments[table_write.segment];
  const auto piece = segment.table->piece(table_write.at);
  // The kernel only reads from it.
  table_write.vector = {const_cast<std::byte*>(piece.data()), piece.size()};
  core.submit({.kind = io::OpKind::write,
               .durable = true,
               .handle = segment.file.handle,
               .operation = &table_write,
               .vectors = &table_write.vector,
               .vector_count = 1,
               .offset = segment.end + table_write.at});
}

void Log::State::table_written(std::int32_t result) {
  const std::uint32_t index = table_write.segment;
  Segment& segment = segments[index];
  const bool ok = result >= 0 && static_cast<std::size_t>(result) == table_write.vector.iov_len;
  if (ok) figures.table_bytes.add(table_write.vector.iov_len);
  table_write.at += kTablePiece;
  if (ok && table_write.at < segment.table->size()) return write_table_piece();
  // Without one recovery reads the frames.
  if (ok)
    segment.table_size = static_cast<std::uint32_t>(segment.table->size());
  else
    figures.write_errors.add();
  segment.table.reset();
  --segment.unwritten;
  table_write.segment = kNoSegment;
  rewrite(index, Segment::Rewrite::seal);
  start_table();
  quiet.notify_all();
}

// At an orderly end, so that the next start reads a table. What cannot be written is read without one.
Task<void> Log::State::seal_streams() {
  if (write_failures != 0) co_return;
  std::vector<std::uint32_t> sealing;
  for (unsigned stream = 0; stream < kStreams; ++stream) {
    if (streams[stream].segment == kNoSegment || streams[stream].file_offset == kFirstFrame) continue;
    sealing.push_back(streams[stream].segment);
    ending = true;
    close_current(stream);
  }
  const auto over = [&](std::uint32_t index) {
    return segments[index].unwritten == 0 && segments[index].rewrite == Segment::Rewrite::none;
  };
  while (!std::ranges::all_of(sealing, over)) co_await quiet.wait(core.now() + kUpkeepInterval);
}

void Log::State::rewrite(std::uint32_t index, Segment::Rewrite what) {
  if (segments[index].rewrite != Segment::Rewrite::none) return;
  segments[index].rewrite = what;
  rewrites_waiting.push_back(index);
  start_rewrites();
}

void Log::State::start_rewrites() {
  for (const auto& writing : header_writes) {
    if (rewrites_waiting.empty()) return;
    if (writing->segment != kNoSegment) continue;
    writing->segment = rewrites_waiting.front();
    rewrites_waiting.pop_front();
    write_header(*writing);
  }
}

void Log::State::write_header(HeaderWrite& writing) {
  const Segment& segment = segments[writing.segment];
  SegmentHeader header = segment.header;
  ++header.generation;
  header.spool_id = place.spool_id;
  header.shard = segment.shard;
  header.number = segment.number;
  if (header.blocks == 0) header.blocks = static_cast<std::uint32_t>(segment.size / kBlockSize);
  switch (segment.rewrite) {
    case Segment::Rewrite::open:
      header.state = static_cast<std::uint16_t>(SegmentState::open);
      header.stream = static_cast<std::uint16_t>(segment.stream);
      header.version = version_of_stream(segment.stream);
      header.sequence = next_segment_sequence++;
      header.epoch = place.epoch;
      header.first_commit_sequence = next_sequence;
      header.end = 0;
      header.table_size = 0;
      break;
    case Segment::Rewrite::seal:
      header.state = static_cast<std::uint16_t>(SegmentState::sealed);
      header.end = segment.end;
      header.table_size = segment.table_size;
      break;
    case Segment::Rewrite::free:
    case Segment::Rewrite::none:
      header.state = static_cast<std::uint16_t>(SegmentState::free);
      header.stream = 0;
      header.version = kFormatVersion;
      header.salt = core.random();
      header.end = 0;
      header.table_size = 0;
      break;
  }
  seal(header);
  writing.header = header;
  std::memset(writing.memory.data(), 0, kBlockSize);
  std::memcpy(writing.memory.data(), &header, sizeof header);
  writing.vector = {writing.memory.data(), kBlockSize};
  core.submit({.kind = io::OpKind::write,
               .durable = true,
               .handle = segment.file.handle,
               .operation = &writing,
               .vectors = &writing.vector,
               .vector_count = 1,
               .offset = (header.generation % kHeaderSlots) * kBlockSize});
}

void Log::State::HeaderWrite::completed(io::Operation& self, const io::Completion& done) {
  auto& writing = static_cast<HeaderWrite&>(self);
  State& state = writing.state;
  const std::uint32_t index = std::exchange(writing.segment, kNoSegment);
  const bool ok = done.result == static_cast<std::int32_t>(kBlockSize);
  if (ok) {
    state.segments[index].header = writing.header;
    state.figures.header_bytes.add(kBlockSize);
  }
  state.rewritten(index, ok);
  state.start_rewrites();
  state.quiet.notify_all();
}

void Log::State::rewritten(std::uint32_t index, bool ok) {
  Segment& segment = segments[index];
  const Segment::Rewrite what = std::exchange(segment.rewrite, Segment::Rewrite::none);
  if (!ok) {
    figures.write_errors.add();
    if (what == Segment::Rewrite::seal) {
      // Less and less often, so that what lives in it can be carried away meanwhile.
      const unsigned doublings = std::min(segment.failed_seals++, kSealPauseDoublings);
      segment.seal_not_before = core.now() + kUpkeepInterval * (1U << doublings);
    } else {
      segment.not_before = core.now() + kUpkeepInterval;
    }
  }
  switch (what) {
    case Segment::Rewrite::open:
      // Without a segment of the first stream there is no frame. What another one cannot get, the first one takes.
      if (segment.stream == 0 && !ok) ++write_failures;
      if (segment.stream == 0 && ok && !void_due) write_failures = 0;  // else the frame with the voids tells
      if (ok) {
        segments.set_use(index, Segment::Use::prepared);
      } else {
        if (segment.stream != 0) cold_not_before = core.now() + kEmptyRetry;
        segments.set_use(index, Segment::Use::free, 0);
        prepare(0);
      }
      room.notify_all();
      wake_commit();
      break;
    case Segment::Rewrite::seal:
      segment.sealed = ok;
      if (ok) {
        segment.failed_seals = 0;
        if (!segment.orphan) settle_voids_of(segment);
        segment.voided = false;
      }
      consider_all();
      check_candidates();
      wake_commit();
      break;
    case Segment::Rewrite::free:
      if (ok)
        freed(index);
      else
        segments.set_use(index, Segment::Use::closed);
      break;
    case Segment::Rewrite::none:
      RP_ASSERT(false);
  }
}

// What shall stay free on the disk.
std::uint64_t Log::State::disk_floor() const {
  return static_cast<std::uint64_t>(options.free_space_min * static_cast<double>(disk.total));
}

bool Log::State::may_grow() const {
  if (closing || segments.size() >= kSegmentsMax) return false;
  const std::uint64_t size = options.segment_size.count;
  const std::uint64_t floor = disk_floor();
  const std::uint64_t spare = ready_segments() <= kReservedSegments ? kDiskSpare : floor;
  return disk.available >= size + std::min(spare, floor);
}

void Log::State::grow() {
  if (making_segment || making_failed || ready_segments() >= options.free_segments_ahead + 1 || !may_grow())
    return;
  making_segment = true;
  core.spawn(make_segment(shared_from_this()));
}

Task<Result<void>> Log::State::make_one() {
  SegmentHeader header{.state = static_cast<std::uint16_t>(SegmentState::free),
                       .spool_id = place.spool_id,
                       .shard = place.shard,
                       .number = segments.next_number(),
                       .salt = core.random(),
                       .blocks = static_cast<std::uint32_t>(options.segment_size.count / kBlockSize)};
  seal(header);
  auto made = co_await shard::offload(
      core, [&files = core.backend().files(), directory = place.directory, header,
             size = options.segment_size.count] { return make_file(files, directory, header, size); });
  if (!made) co_return fail(std::move(made).error());
  Segment segment;
  segment.shard = place.shard;
  segment.number = header.number;
  segment.file = *made;
  segment.use = Segment::Use::free;
  segment.header = header;
  segment.size = options.segment_size.count;
  segments.add(std::move(segment));
  figures.filled_bytes.add(options.segment_size.count);
  disk.available -= std::min(disk.available, options.segment_size.count);
  co_return Result<void>{};
}

Task<void> Log::State::make_segment(std::shared_ptr<State> self) {
  ++background;
  const auto made = co_await make_one();
  making_segment = false;
  --background;
  quiet.notify_all();
  if (!made) {  // upkeep tries again; who wants room meanwhile must not keep the disk busy
    figures.write_errors.add();
    making_failed = true;
    room.notify_all();  // who waits for it asks again whether it comes
    co_return;
  }
  prepare(0);
  grow();
  room.notify_all();  // with a prepared one there was room for records of state alone
}

}  // namespace ringpost::journal
