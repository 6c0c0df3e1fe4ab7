// A shard without a server.
#include <vector>

#include "found_segments.hpp"

namespace ringpost::journal {

Result<void> read_shard(io::Files& files, const ShardPlace& place,
                        const std::function<void(const RecordView&)>& visit, RecoveryReport& report,
                        const std::function<void(std::uint64_t bytes)>& step) {
  auto segments = RP_TRY(find_segments(files, place, false, report, nullptr));
  const AlignedMemory window(kWindowSize);
  const auto voids = collect_voids(files, segments, window);
  for (FoundSegment& found : segments) {
    if (found.has_frames()) {
      std::vector<std::uint32_t> offsets;
      const auto note = [&](const RecordView& view) {
        offsets.push_back(view.where.offset);
        visit(view);
      };
      const std::uint64_t damages = report.damages;
      walk_segment(files, found, {place.shard, found.number, found.number, found.header.sequence}, voids,
                   window, note, report);
      check_table(files, found, offsets, report.damages != damages, report);
    }
    if (step) step(found.size);
  }
  close_segments(files, segments);
  return {};
}

Result<bool> read_record(io::Files& files, const std::string& directory, Location where,
                         std::vector<std::byte>& into) {
  const io::File file = RP_TRY(files.open(segment_path(directory, where.segment), {}));
  std::vector<std::byte> bytes(sizeof(RecordHeader) + where.size);
  const bool whole = has_all(files, file.handle, bytes, where.offset - sizeof(RecordHeader));
  files.close(file.handle);
  if (!whole) return false;
  const auto header = load<RecordHeader>(bytes);
  const auto payload = std::span<const std::byte>(bytes).subspan(sizeof header);
  if (header.size != where.size || record_crc(header, payload) != header.crc) return false;
  into.assign(payload.begin(), payload.end());
  return true;
}

}  // namespace ringpost::journal
