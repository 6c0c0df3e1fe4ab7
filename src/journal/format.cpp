#include "ringpost/journal/format.hpp"

#include <algorithm>

#include "ringpost/scan/crc32c.hpp"

namespace ringpost::journal {

namespace {

template <class T>
std::span<const std::byte> bytes_before_crc(const T& header) {
  return std::as_bytes(std::span(&header, 1)).first(sizeof(T) - sizeof(std::uint32_t));
}

bool is_whole(const SegmentHeader& header) {
  return header.magic == kSegmentMagic && header.crc == scan::crc32c(bytes_before_crc(header));
}

bool is_known(const SegmentHeader& header) {
  return header.state >= static_cast<std::uint16_t>(SegmentState::free) &&
         header.state <= static_cast<std::uint16_t>(SegmentState::sealed) && header.stream < kStreams &&
         header.version >= std::max(kFormatVersionMin, header.stream == 0 ? 0 : kFormatVersionCold) &&
         header.version <= kFormatVersionCold;
}

}  // namespace

void seal(SegmentHeader& header) {
  header.crc = scan::crc32c(bytes_before_crc(header));
}

void seal(FrameHeader& header) {
  header.header_crc = scan::crc32c(bytes_before_crc(header));
}

void seal(TableHeader& header) {
  header.header_crc = scan::crc32c(bytes_before_crc(header));
}

std::optional<SegmentHeader> parse_segment_header(std::span<const std::byte> slot) {
  const auto header = load<SegmentHeader>(slot);
  if (!is_whole(header) || !is_known(header)) return std::nullopt;
  return header;
}

std::optional<FrameHeader> parse_frame_header(std::span<const std::byte> bytes) {
  if (bytes.size() < sizeof(FrameHeader)) return std::nullopt;
  const auto header = load<FrameHeader>(bytes);
  if (header.magic != kFrameMagic || header.header_crc != scan::crc32c(bytes_before_crc(header)))
    return std::nullopt;
  if (header.size < sizeof(FrameHeader) || header.size > kBufferSize || header.stream >= kStreams)
    return std::nullopt;
  return header;
}

std::optional<TableHeader> parse_table_header(std::span<const std::byte> bytes) {
  if (bytes.size() < sizeof(TableHeader)) return std::nullopt;
  const auto header = load<TableHeader>(bytes);
  if (header.magic != kTableMagic || header.header_crc != scan::crc32c(bytes_before_crc(header)))
    return std::nullopt;
  if (header.version != kTableVersion || header.size < sizeof(TableHeader)) return std::nullopt;
  return header;
}

std::uint32_t record_crc(const RecordHeader& header) {
  return scan::crc32c(std::as_bytes(std::span(&header, 1)).subspan(sizeof header.crc));
}

std::uint32_t record_crc(const RecordHeader& header, std::span<const std::byte> payload) {
  return scan::crc32c(payload, record_crc(header));
}

SegmentHead parse_segment_head(std::span<const std::byte> head) {
  SegmentHead found;
  std::optional<std::uint64_t> newest;  // of those of a newer version
  for (std::size_t slot = 0; slot < kHeaderSlots; ++slot) {
    const auto bytes = head.subspan(slot * kBlockSize, kBlockSize);
    const auto header = parse_segment_header(bytes);
    if (!header) {
      const auto raw = load<SegmentHeader>(bytes);
      if (is_whole(raw) && raw.version > kFormatVersionCold)
        newest = std::max(newest.value_or(0), raw.generation);
      found.damaged =
          found.damaged || std::ranges::any_of(bytes, [](std::byte b) { return b != std::byte{0}; });
    } else if (!found.header || header->generation > found.header->generation) {
      found.header = header;
    }
  }
  found.newer = newest && (!found.header || *newest > found.header->generation);
  return found;
}

bool RecordCursor::next() {
  if (frame_.size() - next_ < sizeof(RecordHeader)) return false;
  header_ = load<RecordHeader>(frame_, next_);
  payload_ = next_ + sizeof(RecordHeader);
  if (header_.size > frame_.size() - payload_) return false;
  next_ = std::min(payload_ + round_up(header_.size, 8), frame_.size());
  return true;
}

FrameHealth check_frame(const FrameHeader& header, std::span<const std::byte> frame) {
  std::uint32_t headers_crc = 0;
  std::uint32_t count = 0;
  bool intact = true;
  RecordCursor cursor(frame);
  while (cursor.next()) {
    headers_crc = scan::crc32c(std::as_bytes(std::span(&cursor.header(), 1)), headers_crc);
    intact = intact && cursor.intact();
    ++count;
  }
  const bool whole = cursor.at_end() && count == header.record_count && headers_crc == header.records_crc;
  return whole && intact ? FrameHealth::good : FrameHealth::damaged;
}

}  // namespace ringpost::journal
