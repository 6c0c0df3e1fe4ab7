// Gathering records into frames, and writing one frame at a time.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "ringpost/base/assert.hpp"
#include "ringpost/scan/crc32c.hpp"

#include "log_state.hpp"

namespace ringpost::journal {

namespace {

// A frame that begins with less room than this in its buffer would soon end: it takes a fresh buffer if there is one.
constexpr std::size_t kFrameRoomWanted = 64 * 1024;
// What the index table of a segment may take more for what somebody wants to append.
constexpr std::size_t kTableGrowth = 64 * 1024;

std::size_t payload_size(const Record& record) {
  std::size_t size = 0;
  for (const auto part : record.parts) size += part.size();
  return size;
}

}  // namespace

Result<Ticket> Log::State::append(std::span<const Record> records, std::span<Location> where, Appending how) {
  RP_ASSERT(records.size() == where.size() && !records.empty());
  RoomWanted wanted;
  for (const Record& record : records) {
    const std::size_t payload = payload_size(record);
    wanted.size += record_size(payload);
    wanted.listed += IndexTable::size_of(record, payload);
  }
  if (wanted.size > frame_max)
    return fail(ErrorKind::permanent,
                fmt::format("{} bytes of records are more than a frame takes", wanted.size));
  if (closing) return fail(ErrorKind::exhausted, "the log is closed");
  if (!fits(wanted, how.stream)) {
    seal_open();
    if (!start_frame(wanted, how)) {
      figures.no_room.add();
      return fail(ErrorKind::exhausted, "the log has no room just now");
    }
  }
  for (std::size_t i = 0; i < records.size(); ++i) where[i] = put(records[i]);
  streams[how.stream].unguarded = how.stream != 0;
  wake_commit();
  return Ticket{open->sequence};
}

bool Log::State::fits(RoomWanted wanted, unsigned stream) const {
  if (open == nullptr || segments[open->segment].stream != stream ||
      open->size + wanted.size > open->capacity)
    return false;
  return open->file_offset == kFirstFrame ||
         table_fits(open->segment, open->file_offset + open->size + wanted.size, wanted.listed);
}

// Whether the table of the segment has room behind frames that end there.
bool Log::State::table_fits(std::uint32_t index, std::size_t frame_end, std::size_t listed) const {
  const Segment& segment = segments[index];
  if (!segment.table) return frame_end <= segment.size;
  return round_up(frame_end, kBlockSize) + segment.table->size() + listed <= segment.size;
}

// Copies the record behind the open frame, which has room for it.
Location Log::State::put(const Record& record) {
  Frame& frame = *open;
  std::byte* at = frame.data() + frame.size;
  std::byte* payload = at + sizeof(RecordHeader);
  const std::size_t size = payload_size(record);
  const std::size_t whole = record_size(size);
  RecordHeader header{.size = static_cast<std::uint32_t>(size),
                      .type = record.type,
                      .flags = record.flags,
                      .tag = record_tag(segments[frame.segment].header.salt, frame.file_offset + frame.size),
                      .id = record.id.value};
  header.crc = record_crc(header);
  std::byte* to = payload;
  for (const auto part : record.parts) {
    header.crc = scan::crc32c_copy(to, part, header.crc);
    to += part.size();
  }
  std::memset(to, 0, whole - sizeof(RecordHeader) - size);
  std::memcpy(at, &header, sizeof header);
  frame.records_crc = scan::crc32c(std::as_bytes(std::span(&header, 1)), frame.records_crc);
  ++frame.records;
  frame.payload += static_cast<std::uint32_t>(size);
  segments[frame.segment].put_bytes += whole;
  const Location where{frame.segment,
                       static_cast<std::uint32_t>(frame.file_offset + frame.size + sizeof(RecordHeader)),
                       static_cast<std::uint32_t>(size)};
  if (record.type != kVoidType && segments[frame.segment].table)
    segments[frame.segment].table->add(record, where, frame.sequence, {payload, size});
  frame.buffer->extend(frame.segment, frame.file_offset + frame.size, static_cast<std::uint32_t>(whole));
  frame.size += static_cast<std::uint32_t>(whole);
  return where;
}

// A frame with room for `size` bytes of records; false when there is no segment, no buffer or no frame left.
bool Log::State::start_frame(RoomWanted wanted, Appending how) {
  if (next_sequence - released > frames.size()) return false;
  if (how.stream != 0 && must_void()) return false;  // what is void is said in the first stream only
  const std::size_t need = sizeof(FrameHeader) + wanted.size + (must_void() ? kVoidRoom : 0);
  CommitBuffer* buffer = buffer_for(need);
  if (buffer == nullptr || !ensure_segment({need, wanted.listed}, how)) return false;
  filling = buffer;
  const std::uint32_t current = streams[how.stream].segment;
  const std::uint32_t file_offset = streams[how.stream].file_offset;
  Segment& segment = segments[current];
  if (segment.table && segment.table->size() > kTableKept && !wants_table(segment)) segment.table.reset();
  Frame& frame = frame_of(next_sequence);
  frame.sequence = next_sequence++;
  frame.buffer = buffer;
  frame.buffer_offset = buffer->used();
  frame.segment = current;
  frame.file_offset = file_offset;
  frame.size = sizeof(FrameHeader);
  frame.capacity =
      static_cast<std::uint32_t>(std::min<std::size_t>(buffer->room(), segment.size - file_offset));
  frame.records = frame.records_crc = frame.payload = 0;
  frame.voids = false;
  buffer->begin_frame();
  buffer->extend(current, file_offset, sizeof(FrameHeader));
  ++segment.unwritten;
  open = &frame;
  if (file_offset == kFirstFrame && must_void()) put_voids();
  return true;
}

CommitBuffer* Log::State::buffer_for(std::size_t size) {
  const bool usable = filling != nullptr && filling->room() >= size && filling->has_extent_room();
  if (usable && (filling->room() >= kFrameRoomWanted || !buffers.can_take())) return filling;
  if (!buffers.can_take()) return nullptr;
  return buffers.take();
}

// Makes the current segment of the stream one with room for such a frame.
bool Log::State::ensure_segment(RoomWanted wanted, Appending how) {
  Stream& stream = streams[how.stream];
  if (stream.segment != kNoSegment &&
      table_fits(stream.segment, stream.file_offset + wanted.size, wanted.listed))
    return true;
  const std::uint32_t next = ready_for(how.stream);
  if (next == kNoSegment || (!how.reserve && ready_segments() <= kReservedSegments)) {
    prepare(how.stream);
    grow();
    return false;
  }
  close_current(how.stream);
  stream = {.segment = next,
            .file_offset = static_cast<std::uint32_t>(kFirstFrame),
            .unguarded = false,
            .opened_at = core.now()};
  segments.set_use(next, Segment::Use::current);
  segments[next].put_bytes = 0;
  segments[next].table = std::make_unique<IndexTable>(segments[next].header.first_commit_sequence);
  prepare(0);
  grow();
  return true;
}

// Behind what is there and what gathers, as whole blocks.
std::size_t Log::State::room_in(unsigned stream) const {
  const Stream& at = streams[stream];
  if (at.segment == kNoSegment) return 0;
  const Segment& segment = segments[at.segment];
  std::size_t taken = at.file_offset + kTableGrowth;
  if (open != nullptr && open->segment == at.segment) taken += round_up(open->size, kBlockSize);
  if (segment.table) taken += segment.table->size();
  return taken < segment.size ? segment.size - taken : 0;
}

// For streams of copies too, sooner or later: files are made until some are ready beside those for new records.
bool Log::State::more_files_come() const {
  return !making_failed && options.free_segments_ahead > kReservedSegments && may_grow();
}

// Whether copies of so many bytes, in records of `piece` at most, may go there: else they go to the first stream.
bool Log::State::takes(unsigned stream, std::size_t size, std::size_t piece) const {
  if (stream == 0) return true;
  if (must_void() || core.now() < cold_not_before) return false;
  if (more_files_come()) return true;  // after a start there are none yet
  return fits_into(stream,
                   spare_segments() + segments.count(Segment::Use::preparing, stream) +
                       segments.count(Segment::Use::prepared, stream),
                   size, piece);
}

// What is open of the stream, and so many files more.
bool Log::State::fits_into(unsigned stream, std::size_t files, std::size_t size, std::size_t piece) const {
  // Each may need a frame of its own.
  const std::size_t one = round_up(sizeof(FrameHeader) + record_size(piece), kBlockSize);
  const std::size_t wanted = (size + piece - 1) / piece;
  const std::size_t here = room_in(stream) / one;
  if (wanted <= here) return true;
  const std::size_t in_each = (options.segment_size.count - kFirstFrame - kTableGrowth) / one;
  return wanted - here <= files * in_each;
}

// With the files that are here, and those that may be made without touching what shall stay free on the disk.
bool Log::State::has_room_for_copy(std::size_t size, std::size_t piece) const {
  const std::uint64_t kept_free = disk_floor();
  const std::size_t more = may_grow() && disk.available > kept_free
                               ? (disk.available - kept_free) / options.segment_size.count
                               : 0;
  return fits_into(0, ready_segments() + std::min(more, kSegmentsMax - segments.size()), size, piece);
}

// The open frame will take no more; it waits for its write.
void Log::State::seal_open() {
  if (open == nullptr) return;
  const auto padded = static_cast<std::uint32_t>(round_up(open->size, kBlockSize));
  std::memset(open->data() + open->size, 0, padded - open->size);
  open->buffer->extend(open->segment, open->file_offset + open->size, padded - open->size);
  streams[segments[open->segment].stream].file_offset = open->file_offset + padded;
  open = nullptr;
}

void Log::State::wake_commit() {
  if (hook.linked()) return;
  core.at_turn_end(hook);
  // If this is the end of the turn already, the next turn must not wait.
  core.schedule(std::noop_coroutine());
}

void Log::State::commit() {
  static_cast<ListLink<shard::TurnHook>&>(hook).unlink();
  if (in_flight) return;
  if (void_due && open == nullptr && settled == newest_appended()) start_frame({}, {.reserve = true});
  if (settled == newest_appended() || voids.size() >= kVoidsMax) return;
  if (write_not_before > core.now()) {
    core.timers().arm(retry, write_not_before);
    return;
  }
  Frame& next = frame_of(settled + 1);
  if (&next == open) seal_open();
  write(next, When::turn_end);
}

void Log::State::write(Frame& frame, When when) {
  const Segment& segment = segments[frame.segment];
  FrameHeader header{.size = frame.size,
                     .salt = segment.header.salt,
                     .epoch = place.epoch,
                     .record_count = frame.records,
                     .commit_sequence = frame.sequence,
                     .previous_crc = segment.previous_crc,
                     .records_crc = frame.records_crc,
                     .stream = segment.stream};
  seal(header);
  std::memcpy(frame.data(), &header, sizeof header);
  in_flight = true;
  frame_write.vector = {frame.data(), round_up(frame.size, kBlockSize)};
  frame_write.submitted = core.backend().now();
  const io::Op op{.kind = io::OpKind::write,
                  .durable = true,
                  .registered_buffer = frame.buffer->index(),
                  .handle = segment.file.handle,
                  .operation = &frame_write,
                  .vectors = &frame_write.vector,
                  .vector_count = 1,
                  .offset = frame.file_offset};
  when == When::at_once ? core.submit_at_once(op) : core.submit(op);
}

void Log::State::written(std::int32_t result) {
  in_flight = false;
  Frame& frame = frame_of(settled + 1);
  const std::size_t size = frame_write.vector.iov_len;
  if (result < 0 || static_cast<std::size_t>(result) != size) {
    frame_failed(result);
    return;
  }
  figures.commit_ns.record(
      static_cast<std::uint64_t>((core.backend().now() - frame_write.submitted).count()));
  figures.frames.add();
  figures.frame_records.record(frame.records);
  figures.frame_bytes.record(frame.size);
  figures.written_bytes.add(size);
  figures.padding_bytes.add(size - frame.size);
  figures.payload_bytes.add(frame.payload);

  Segment& segment = segments[frame.segment];
  segment.end = frame.file_offset + size;
  segment.newest_frame = frame.sequence;
  segment.previous_crc = load<FrameHeader>({frame.data(), sizeof(FrameHeader)}).header_crc;
  if (frame.voids) void_holder = frame.segment;
  if (frame.voids || !must_void()) void_due = false;  // their segments may have got an end meanwhile
  released = ++settled;
  frame_settled(frame);
  const bool mended = write_failures != 0;
  write_failures = 0;
  if (segment.use == Segment::Use::closed && segment.unwritten == 0) begin_seal(frame.segment);
  check_candidates();
  if (mended && on_upkeep) on_upkeep();
  if (!write_full_frame()) wake_commit();
}

// One that is full already does not wait for those whom the last one has woken: they fill the frame behind it meanwhile.
bool Log::State::write_full_frame() {
  if (settled == newest_appended() || !voids.empty() || write_not_before > core.now()) return false;
  Frame& next = frame_of(settled + 1);
  if (&next == open) return false;
  write(next, When::at_once);
  return true;
}

// Good or bad: the frame is over, and who waited for it goes on.
void Log::State::frame_settled(Frame& frame) {
  frame.buffer->end_frame();
  frame.buffer = nullptr;
  --segments[frame.segment].unwritten;
  while (Log::Durable* waiting = frame.waiting.pop_front()) core.schedule(waiting->awaiting_);
  room.notify_all();
  quiet.notify_all();
}

}  // namespace ringpost::journal
