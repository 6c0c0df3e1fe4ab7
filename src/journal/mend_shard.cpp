#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "ringpost/journal/mend.hpp"

#include "found_segments.hpp"

namespace ringpost::journal {

namespace {

// In the slot that is damaged or holds the older header.
Result<void> write_header(io::Files& files, FoundSegment& found, SegmentHeader header) {
  ++header.generation;
  found.header.generation = header.generation;
  header.version = std::max(header.version, kFormatVersionMin);
  header.number = found.number;
  seal(header);
  const AlignedMemory block(kBlockSize);
  std::memset(block.data(), 0, kBlockSize);
  std::memcpy(block.data(), &header, sizeof header);
  RP_CHECK(files.write_at(found.file.handle, block.bytes(), (header.generation % kHeaderSlots) * kBlockSize));
  return files.sync(found.file.handle);
}

Result<void> copy_away(io::Files& files, const FoundSegment& found, const Damage& damage,
                       const std::string& folder, const std::string& to) {
  const io::File copy = RP_TRY(files.open(to, {.write = true, .create = true, .truncate = true}));
  if (const auto owned = files.own_like(to, folder); !owned) {
    files.close(copy.handle);
    return owned;
  }
  const AlignedMemory window(kWindowSize);
  const std::uint64_t end = std::min(round_up(damage.offset + damage.size, kBlockSize), found.size);
  Result<void> done;
  for (std::uint64_t at = damage.offset / kBlockSize * kBlockSize; at < end && done; at += kBlockSize) {
    const auto block = window.bytes().first(kBlockSize);
    // Of a block that cannot be read zeros are kept.
    if (!has_all(files, found.file.handle, block, at)) std::ranges::fill(block, std::byte{0});
    done = files.write_at(copy.handle, block, at - damage.offset / kBlockSize * kBlockSize);
  }
  if (done) done = files.sync(copy.handle);
  files.close(copy.handle);
  return done;
}

class Mending {
 public:
  Mending(io::Files& files, const ShardPlace& place, const MendOptions& options, const MendTold& tell)
      : files_(files), shard_(place.shard), spool_id_(place.spool_id), options_(options), tell_(tell) {}

  Result<void> segment(FoundSegment& found) {
    if (found.lost) return {};
    if (found.header_lost) RP_CHECK(lost_header(found));
    if (found.cut != 0) RP_CHECK(cut_short(found));
    if (!found.has_frames()) return {};
    const RecoveryReport report = look(found);
    for (const Damage& damage : report.damage)
      if (!damage.torn_tail && damage.size != 0 && damage.offset < found.end) RP_CHECK(keep(found, damage));
    return found.header.table_size != 0 && report.tables == 0 ? bad_table(found) : Result<void>{};
  }

 private:
  void tell(const FoundSegment& found, std::string_view what, bool mended = true) const {
    tell_(fmt::format("shard {} segment {}: {}", shard_, found.number, what), mended);
  }

  Result<void> lost_header(FoundSegment& found) const {
    tell(found, "its header is written anew from its first frame");
    found.header.shard = shard_;
    if (found.header.spool_id == 0) found.header.spool_id = spool_id_;
    return options_.write ? write_header(files_, found, found.header) : Result<void>{};
  }

  // Nothing brings those bytes back. The header says so from now on: its frames are read up to where the file ends.
  Result<void> cut_short(FoundSegment& found) const {
    tell(found,
         fmt::format("{} bytes are missing at its end and cannot be brought back; its header is written "
                     "anew for what is left",
                     found.cut));
    const bool ends_behind = found.state() == SegmentState::sealed &&
                             found.header.end + round_up(found.header.table_size, kBlockSize) > found.size;
    if (ends_behind) {
      if (found.header.end > found.size) found.header.state = static_cast<std::uint16_t>(SegmentState::open);
      found.header.table_size = 0;
    }
    found.header.blocks = static_cast<std::uint32_t>(found.size / kBlockSize);
    return options_.write ? write_header(files_, found, found.header) : Result<void>{};
  }

  RecoveryReport look(FoundSegment& found) const {
    RecoveryReport report;
    const AlignedMemory window(kWindowSize);
    std::vector<std::uint32_t> offsets;
    walk_segment(
        files_, found, {shard_, found.number, found.number, found.header.sequence}, {}, window,
        [&](const RecordView& view) { offsets.push_back(view.where.offset); }, report);
    check_table(files_, found, offsets, report.damages != 0, report);
    return report;
  }

  Result<void> keep(const FoundSegment& found, const Damage& damage) const {
    if (options_.copies.empty()) return {};
    const std::string to =
        fmt::format("{}/shard-{}-segment-{:06}-{}", options_.copies, shard_, found.number, damage.offset);
    tell(found,
         fmt::format("{} bytes at {} ({}) are copied to {}", damage.size, damage.offset, damage.text, to),
         false);
    return options_.write ? copy_away(files_, found, damage, options_.copies, to) : Result<void>{};
  }

  Result<void> bad_table(FoundSegment& found) const {
    tell(found, "its index table does not verify and is taken away; the frames say the same");
    SegmentHeader header = found.header;
    header.table_size = 0;
    return options_.write ? write_header(files_, found, header) : Result<void>{};
  }

  io::Files& files_;
  unsigned shard_;
  std::uint64_t spool_id_;
  const MendOptions& options_;
  const MendTold& tell_;
};

// Of a file that is kept away from everything, or of a name that no segment has.
bool is_left(const std::vector<FoundSegment>& segments, const Damage& damage) {
  const auto found = std::ranges::find(segments, damage.segment, &FoundSegment::number);
  return found == segments.end() || found->lost;
}

std::string left_text(const Damage& damage) {
  return damage.segment == 0 ? damage.text : fmt::format("segment {}: {}", damage.segment, damage.text);
}

}  // namespace

Result<void> mend_shard(io::Files& files, const ShardPlace& place, const MendOptions& options,
                        const MendTold& tell) {
  RecoveryReport report;
  auto segments = RP_TRY(find_segments(files, place, options.write, report, nullptr));
  for (const Damage& damage : report.damage)
    if (is_left(segments, damage)) tell(fmt::format("{}: {}", place.directory, left_text(damage)), false);
  Mending mending(files, place, options, tell);
  Result<void> done;
  for (FoundSegment& found : segments)
    if (done) done = mending.segment(found);
  close_segments(files, segments);
  return done;
}

Result<void> refuse_newer(io::Files& files, const ShardPlace& place) {
  RecoveryReport ignored;
  close_segments(files, RP_TRY(find_segments(files, place, false, ignored, nullptr)));
  return {};
}

Result<void> trace_spool(io::Files& files, const ShardPlace& place, SpoolTraces& traces) {
  RecoveryReport ignored;
  const auto segments = RP_TRY(find_segments(files, place, false, ignored, nullptr));
  for (const FoundSegment& found : segments) {
    if (found.lost) continue;
    traces.epoch = std::max(traces.epoch, found.header.epoch);
    if (found.header.spool_id == 0) continue;
    traces.mixed = traces.mixed || (traces.spool_id != 0 && traces.spool_id != found.header.spool_id);
    traces.spool_id = found.header.spool_id;
  }
  close_segments(files, segments);
  return {};
}

}  // namespace ringpost::journal
