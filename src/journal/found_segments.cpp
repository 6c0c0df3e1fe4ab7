#include "found_segments.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <string_view>
#include <tuple>

#include <fmt/format.h>

namespace ringpost::journal {

namespace {

constexpr std::string_view kPrefix = "segment-";
constexpr std::string_view kUnfinishedSuffix = ".new";

std::optional<std::uint32_t> number_of(std::string_view name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc{} || end != name.data() + name.size()) return std::nullopt;
  return number;
}

std::string name_of(std::uint32_t number) {
  return fmt::format("{}{:06}", kPrefix, number);
}

// A file only ever has the size that it was made with, which its header says since version 2. No crash cuts one short: the
// size is on disk before the file has its name.
void measure(FoundSegment& found, std::uint64_t size, RecoveryReport& report) {
  std::uint64_t made = std::uint64_t{found.header.blocks} * kBlockSize;
  if (made == 0) made = round_up(size, kBlockSize);
  if (found.state() == SegmentState::sealed)
    made = std::max(made, found.header.end + round_up(found.header.table_size, kBlockSize));
  if (size >= made) return;
  found.cut = made - found.size;
  report.add({found.number,
              found.size,
              found.cut,
              false,
              fmt::format("the file was cut short: it has {} bytes and was made with {}", size, made),
              {}});
}

// A copy counts for nothing, or mail would go twice. (With both headers lost nothing tells whose it is.)
bool misplaced(FoundSegment& found, const ShardPlace& place, RecoveryReport& report) {
  const SegmentHeader& header = found.header;
  const bool unknown = found.header_lost && header.spool_id == 0;
  if (unknown || (header.shard == place.shard && header.number == found.number)) return false;
  report.add({found.number,
              0,
              found.size,
              false,
              fmt::format("it is a copy: its header says {} of shard {}; left alone, move it away",
                          name_of(header.number), header.shard),
              {}});
  found.lost = true;
  return true;
}

// What the first frame says stands in for the header.
void believe(FoundSegment& found, const FrameHeader& frame) {
  found.header_lost = true;
  found.header.state = static_cast<std::uint16_t>(SegmentState::open);
  found.header.epoch = frame.epoch;
  found.header.first_commit_sequence = frame.commit_sequence;
  found.header.stream = static_cast<std::uint16_t>(frame.stream);
  found.header.version = version_of_stream(frame.stream);
}

// The header may lie: both slots lost, or the newer one lost and the older saying that the segment is free. The first
// frame knows better. `head` holds both slots and the first block behind them.
void judge(FoundSegment& found, std::span<const std::byte> head, RecoveryReport& report) {
  const SegmentHead slots = parse_segment_head(head.first(kFirstFrame));
  const auto frame = parse_frame_header(head.subspan(kFirstFrame));
  if (slots.header) found.header = *slots.header;
  if (slots.damaged && slots.header && found.state() == SegmentState::free && frame &&
      frame->salt == found.header.salt) {
    report.add({found.number, 0, kFirstFrame, false, "the newer header is damaged; its frames are read", {}});
    found.header.sequence = 0;  // stood in the lost one
    believe(found, *frame);
    return;
  }
  if (slots.header) return;
  if (!frame) {
    report.add({found.number,
                0,
                kFirstFrame,
                false,
                "both headers are damaged and no frame follows; left alone",
                {}});
    found.lost = true;
    return;
  }
  report.add({found.number, 0, kFirstFrame, false, "both headers are damaged; its frames are read", {}});
  found.header = {};
  found.header.number = found.number;
  found.header.salt = frame->salt;
  believe(found, *frame);
}

// Both slots and the first block behind them. Only the slots must be read: a frame costs no more than itself.
bool read_head(io::Files& files, io::Handle file, std::span<std::byte> head) {
  const auto frame = head.subspan(kFirstFrame);
  if (!has_all(files, file, head.first(kFirstFrame), 0)) return false;
  if (!has_all(files, file, frame, kFirstFrame)) std::ranges::fill(frame, std::byte{0});
  return true;
}

Result<FoundSegment> look(io::Files& files, const ShardPlace& place, std::uint32_t number, bool write,
                          const AlignedMemory& head, RecoveryReport& report) {
  const std::string path = segment_path(place.directory, number);
  FoundSegment found{.number = number};
  found.file = RP_TRY(files.open(path, {.write = write, .direct = true}));
  auto size = files.size(found.file.handle);
  if (!size) {
    files.close(found.file.handle);
    return fail(std::move(size).error());
  }
  found.size = *size / kBlockSize * kBlockSize;
  if (found.size <= kFirstFrame ||
      !read_head(files, found.file.handle, head.bytes().first(kFirstFrame + kBlockSize))) {
    report.add(
        {number, 0, found.size, false, "the file is too short or its head cannot be read; left alone", {}});
    found.lost = true;
    return found;
  }
  judge(found, head.bytes(), report);
  if (parse_segment_head(head.bytes().first(kFirstFrame)).newer) {
    files.close(found.file.handle);
    return fail(
        ErrorKind::permanent,
        fmt::format("{} was written by a newer version; use that one, or one that is newer still", path));
  }
  if (found.lost) return found;
  const bool foreign =
      place.spool_id != 0 && found.header.spool_id != 0 && found.header.spool_id != place.spool_id;
  if (foreign) {
    files.close(found.file.handle);
    return fail(ErrorKind::permanent, fmt::format("{} belongs to another spool; move it away", path));
  }
  if (!misplaced(found, place, report)) measure(found, *size, report);
  return found;
}

// One that was opened ahead has none yet.
bool holds_a_frame(const FoundSegment& found, const AlignedMemory& head) {
  if (!found.has_frames()) return false;
  const auto frame = parse_frame_header(head.bytes().subspan(kFirstFrame));
  return found.state() == SegmentState::sealed || (frame && frame->salt == found.header.salt);
}

// What is no file holds no mail. Who only looks goes on without those that he may not read.
bool may_skip(const Error& error, bool write) {
  if (error.system == 0) return false;
  return !write || error.system == EISDIR || error.system == ENOENT || error.system == ELOOP;
}

auto recovery_order(const FoundSegment& found) {
  return std::tuple(!found.has_frames(), found.header.stream == 0, found.header.epoch,
                    found.header.first_commit_sequence, found.header.sequence, found.number);
}

}  // namespace

bool has_all(io::Files& files, io::Handle file, std::span<std::byte> into, std::uint64_t offset) {
  const auto count = files.read_at(file, into, offset);
  return count && *count == into.size();
}

// A window that cannot be read is read block by block; zeros stand for the blocks that cannot be.
void read_blocks(io::Files& files, io::Handle file, SegmentWalk& walk, std::span<std::byte> window) {
  for (std::size_t at = 0; at + kBlockSize <= window.size(); at += kBlockSize) {
    const auto block = window.subspan(at, kBlockSize);
    bool good = false;
    for (unsigned tries = 0; tries < kBlockReads && !good; ++tries)
      good = files.read_at(file, block, walk.want_offset() + at).has_value();
    if (good) continue;
    std::ranges::fill(block, std::byte{0});
    walk.unreadable(walk.want_offset() + at);
  }
}

// Reads what the walk wants into the window; true when there is a frame.
bool next_frame(io::Files& files, io::Handle file, SegmentWalk& walk, const AlignedMemory& window) {
  while (true) {
    const SegmentWalk::Step step = walk.step();
    if (step != SegmentWalk::Step::need) return step == SegmentWalk::Step::frame;
    const auto bytes = window.bytes().first(walk.want_size());
    if (const auto count = files.read_at(file, bytes, walk.want_offset())) {
      walk.give(bytes.first(*count));
      continue;
    }
    read_blocks(files, file, walk, bytes);
    walk.give(bytes);
  }
}

void RecoveryReport::add(Damage found) {
  ++(found.torn_tail ? torn_tails : damages);
  if (damage.size() < kDamageReportsMax) damage.push_back(std::move(found));
}

SegmentWalk::Facts FoundSegment::walk_facts() const {
  const bool sealed = state() == SegmentState::sealed && header.end <= size && header.end % kBlockSize == 0;
  return {.number = number,
          .salt = header.salt,
          .epoch = header.epoch,
          .limit = sealed ? header.end : size,
          .sealed = sealed,
          .tagged = header.version != 1};
}

std::string segment_path(const std::string& directory, std::uint32_t number) {
  return fmt::format("{}/{}", directory, name_of(number));
}

Result<std::vector<FoundSegment>> find_segments(io::Files& files, const ShardPlace& place, bool write,
                                                RecoveryReport& report,
                                                std::vector<std::string>* unfinished) {
  const AlignedMemory head(kFirstFrame + kBlockSize);
  std::vector<FoundSegment> segments;
  for (const std::string& name : RP_TRY(files.list(place.directory))) {
    if (!name.starts_with(kPrefix)) continue;
    const auto number = number_of(name);
    if (name.ends_with(kUnfinishedSuffix)) {
      if (unfinished != nullptr) unfinished->push_back(place.directory + "/" + name);
      continue;
    }
    if (!number || name_of(*number) != name) {
      report.add({0, 0, 0, false, fmt::format("{} is no name of a segment; left alone", name), {}});
      continue;
    }
    auto found = look(files, place, *number, write, head, report);
    if (!found && may_skip(found.error(), write)) {
      report.add({*number, 0, 0, false, found.error().text + "; left alone", {}});
      found = FoundSegment{.number = *number, .lost = true};
    }
    if (!found) {
      close_segments(files, segments);
      return fail(std::move(found).error());
    }
    segments.push_back(*found);
    ++report.segments;
    if (!segments.back().lost && !segments.back().has_frames()) ++report.free_segments;
    if (holds_a_frame(segments.back(), head)) ++report.stream_segments[segments.back().header.stream];
  }
  std::ranges::sort(segments, {}, recovery_order);
  return segments;
}

void close_segments(io::Files& files, const std::vector<FoundSegment>& segments) {
  for (const FoundSegment& segment : segments)
    if (segment.file.handle) files.close(segment.file.handle);
}

std::vector<VoidRange> voids_in(std::span<const std::byte> payload) {
  std::vector<VoidRange> ranges(payload.size() / sizeof(VoidRange));
  if (!ranges.empty()) std::memcpy(ranges.data(), payload.data(), ranges.size() * sizeof(VoidRange));
  return ranges;
}

std::vector<VoidRange> collect_voids(io::Files& files, std::span<FoundSegment> segments,
                                     const AlignedMemory& window) {
  std::vector<VoidRange> voids;
  for (FoundSegment& found : segments) {
    if (!found.has_frames()) continue;
    // Most first frames void nothing, and the first record of one that does is in its first block.
    const auto block = window.bytes().first(kBlockSize);
    if (!has_all(files, found.file.handle, block, kFirstFrame)) continue;
    const auto header = parse_frame_header(block);
    if (!header || header->record_count == 0 || header->salt != found.header.salt) continue;
    if (load<RecordHeader>(block, sizeof(FrameHeader)).type != kVoidType) continue;
    SegmentWalk walk(found.walk_facts());
    if (!next_frame(files, found.file.handle, walk, window) || walk.offset() != kFirstFrame) continue;
    RecordCursor cursor(walk.frame());
    if (cursor.next() && cursor.intact()) {
      const auto found_here = voids_in(cursor.payload());
      voids.insert(voids.end(), found_here.begin(), found_here.end());
      found.holds_voids = true;
    }
  }
  return voids;
}

bool is_void(std::span<const VoidRange> voids, std::uint32_t segment, const FrameHeader& frame) {
  return std::ranges::any_of(voids, [&](const VoidRange& range) {
    return range.segment == segment && range.epoch == frame.epoch && range.first <= frame.commit_sequence &&
           frame.commit_sequence <= range.last;
  });
}

std::uint64_t order_of(std::uint32_t epoch, std::uint64_t commit_sequence) {
  constexpr unsigned kSequenceBits = 64 - MessageId::kEpochBits;
  return (std::uint64_t{epoch} << kSequenceBits) | commit_sequence;
}
std::uint64_t order_of(const FrameHeader& frame) {
  return order_of(frame.epoch, frame.commit_sequence);
}

void visit_frame(const SegmentWalk& walk, FoundSegment& found, const FramePlace& place,
                 std::span<const VoidRange> voids, const std::function<void(const RecordView&)>& visit,
                 RecoveryReport& report) {
  ++report.frames;
  found.unused = false;
  if (!is_void(voids, found.number, walk.header())) return visit_records(walk, place, visit, report);
  ++report.voided_frames;
  if (found.void_from == 0) found.void_from = walk.offset();
}

void end_walk(SegmentWalk& walk, FoundSegment& found, RecoveryReport& report) {
  found.end = found.void_from != 0 ? found.void_from : walk.end();
  found.unused = found.unused && walk.damages().empty();
  for (Damage& damage : walk.damages()) report.add(std::move(damage));
}

void walk_segment(io::Files& files, FoundSegment& found, const FramePlace& place,
                  std::span<const VoidRange> voids, const AlignedMemory& window,
                  const std::function<void(const RecordView&)>& visit, RecoveryReport& report) {
  SegmentWalk walk(found.walk_facts());
  found.unused = true;
  while (next_frame(files, found.file.handle, walk, window))
    visit_frame(walk, found, place, voids, visit, report);
  end_walk(walk, found, report);
}

}  // namespace ringpost::journal
