#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "ringpost/journal/mend.hpp"

#include "found_segments.hpp"

namespace ringpost::journal {

namespace {

// In the slot that is damaged or holds the older header.
Result<void> write_header(io::Files& files, const FoundSegment& found, SegmentHeader header) {
  ++header.generation;
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
                       const std::string& to) {
  const io::File copy = RP_TRY(files.open(to, {.write = true, .create = true, .truncate = true}));
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
  Mending(io::Files& files, unsigned shard, std::uint64_t spool_id, const MendOptions& options,
          const std::function<void(std::string_view)>& tell)
      : files_(files), shard_(shard), spool_id_(spool_id), options_(options), tell_(tell) {}

  Result<void> segment(FoundSegment& found) {
    if (found.lost) {
      tell(found, "neither header nor first frame can be read; it stays as it is");
      return {};
    }
    if (found.header_lost) RP_CHECK(lost_header(found));
    if (!found.has_frames()) return {};
    const RecoveryReport report = look(found);
    for (const Damage& damage : report.damage)
      if (!damage.torn_tail && damage.size != 0 && damage.offset < found.end) RP_CHECK(keep(found, damage));
    return found.header.table_size != 0 && report.tables == 0 ? bad_table(found) : Result<void>{};
  }

 private:
  void tell(const FoundSegment& found, std::string_view what) const {
    tell_(fmt::format("shard {} segment {}: {}", shard_, found.number, what));
  }

  Result<void> lost_header(FoundSegment& found) const {
    tell(found, "its header is written anew from its first frame");
    found.header.shard = shard_;
    if (found.header.spool_id == 0) found.header.spool_id = spool_id_;
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
         fmt::format("{} bytes at {} ({}) are copied to {}", damage.size, damage.offset, damage.text, to));
    return options_.write ? copy_away(files_, found, damage, to) : Result<void>{};
  }

  Result<void> bad_table(const FoundSegment& found) const {
    tell(found, "its index table does not verify and is taken away; the frames say the same");
    SegmentHeader header = found.header;
    header.table_size = 0;
    return options_.write ? write_header(files_, found, header) : Result<void>{};
  }

  io::Files& files_;
  unsigned shard_;
  std::uint64_t spool_id_;
  const MendOptions& options_;
  const std::function<void(std::string_view)>& tell_;
};

}  // namespace

Result<void> mend_shard(io::Files& files, const std::string& directory, unsigned shard,
                        std::uint64_t spool_id, const MendOptions& options,
                        const std::function<void(std::string_view)>& tell) {
  RecoveryReport ignored;
  auto segments = RP_TRY(find_segments(files, directory, spool_id, options.write, ignored, nullptr));
  Mending mending(files, shard, spool_id, options, tell);
  Result<void> done;
  for (FoundSegment& found : segments)
    if (done) done = mending.segment(found);
  close_segments(files, segments);
  return done;
}

Result<void> trace_spool(io::Files& files, const std::string& shard_directory, SpoolTraces& traces) {
  RecoveryReport ignored;
  const auto segments = RP_TRY(find_segments(files, shard_directory, 0, false, ignored, nullptr));
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
