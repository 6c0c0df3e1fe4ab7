// The records of one frame, and of bytes in which frames are damaged.
#include "ringpost/scan/crc32c.hpp"

#include "found_segments.hpp"

namespace ringpost::journal {

namespace {

RecordView view_of(const RecordHeader& header, std::span<const std::byte> payload, std::uint64_t offset,
                   const FramePlace& place, const FrameHeader& frame) {
  return {.type = header.type,
          .flags = header.flags,
          .id = {header.id},
          .shard = place.shard,
          .where = {place.segment, static_cast<std::uint32_t>(offset), header.size},
          .order = order_of(frame),
          .sequence = place.sequence,
          .payload = payload};
}

// Whose record it is that does not verify. One wrong byte in its header, the size excepted, is found by trying: the id may
// be what is damaged.
MessageId owner_of(const RecordHeader& header, std::span<const std::byte> payload) {
  const std::uint32_t payload_crc = scan::crc32c(payload);
  const auto verifies = [&](const RecordHeader& tried) {
    const auto rest = std::as_bytes(std::span(&tried, 1)).subspan(sizeof tried.crc);
    return scan::crc32c_combine(scan::crc32c(rest), payload_crc, payload.size()) == tried.crc;
  };
  RecordHeader tried = header;
  const auto bytes = std::as_writable_bytes(std::span(&tried, 1));
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    if (at >= offsetof(RecordHeader, size) && at < offsetof(RecordHeader, type)) continue;
    const std::byte was = bytes[at];
    for (unsigned change = 1; change < 256; ++change) {
      bytes[at] = was ^ static_cast<std::byte>(change);
      if (verifies(tried)) return {tried.id};
    }
    bytes[at] = was;
  }
  return {header.id};
}

// In bytes of which nobody knows where frames begin.
void visit_loose(const SegmentWalk& walk, const FramePlace& place,
                 const std::function<void(const RecordView&)>& visit, RecoveryReport& report) {
  const auto bytes = walk.frame();
  std::size_t at = 0;
  while (at < walk.loose_size() && bytes.size() - at >= sizeof(RecordHeader)) {
    const auto header = load<RecordHeader>(bytes, at);
    const std::uint64_t offset = walk.offset() + at;
    const std::size_t payload_at = at + sizeof header;
    if (header.tag != record_tag(walk.salt(), offset)) {
      at += 8;
      continue;
    }
    const bool fits = header.size <= bytes.size() - payload_at;
    const auto payload = bytes.subspan(payload_at, fits ? header.size : 0);
    if (!fits || record_crc(header, payload) != header.crc) {
      report.add({place.number, offset + sizeof header, header.size, false, "a record does not verify",
                  owner_of(header, payload), header.type});
      at += 8;
      continue;
    }
    at += record_size(header.size);
    if (header.type == kVoidType) continue;
    ++report.records;
    report.bytes += header.size;
    visit(view_of(header, payload, offset + sizeof header, place, walk.header()));
  }
}

}  // namespace

void visit_records(const SegmentWalk& walk, const FramePlace& place,
                   const std::function<void(const RecordView&)>& visit, RecoveryReport& report) {
  if (walk.loose()) return visit_loose(walk, place, visit, report);
  RecordCursor cursor(walk.frame());
  while (cursor.next()) {
    const auto offset = walk.offset() + cursor.payload_offset();
    if (walk.damaged() && !cursor.intact()) {
      report.add({place.number, offset, cursor.header().size, false, "a record does not verify",
                  owner_of(cursor.header(), cursor.payload()), cursor.header().type});
      continue;
    }
    if (cursor.header().type == kVoidType) continue;
    ++report.records;
    report.bytes += cursor.header().size;
    visit(view_of(cursor.header(), cursor.payload(), offset, place, walk.header()));
  }
}

}  // namespace ringpost::journal
