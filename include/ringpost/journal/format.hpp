// What stands in a segment file, byte for byte. docs/spool.md says it in words for who must read one by hand.
//
// Layer:  durable, but pure: no I/O here. Integers are little-endian, checksums CRC-32C.
// File:   header slot A (4 KiB), header slot B (4 KiB), then frames, each on a 4 KiB boundary, until one does not
//         verify. The valid slot with the higher `generation` is the header; every rewrite goes to the other slot.
// Table:  behind the last frame of a sealed segment: what recovery needs of its records, so that it reads some percent of
//         the file. A cache: the frames say the same, and are read when the table does not verify.
// Frame:  FrameHeader, then records, then zeros to the boundary. Written once, never rewritten.
// Record: RecordHeader, then the payload, then zeros to a multiple of 8.
// Salt:   random, new each time a segment is freed. A frame counts only with the salt of its segment's header, so what
//         an earlier use left behind is never read again.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

#include "ringpost/journal/limits.hpp"

namespace ringpost::journal {

static_assert(std::endian::native == std::endian::little, "the structs below are the bytes on disk");

inline constexpr std::uint64_t kSegmentMagic = 0x31474553'54534F50;  // "POSTSEG1"
inline constexpr std::uint32_t kFrameMagic = 0x454D5246;             // "FRME"
inline constexpr std::uint32_t kTableMagic = 0x58444E49;             // "INDX"
inline constexpr std::uint32_t kFormatVersion = 2;                   // what is written
// Of a segment of another stream than the first. Who adds a stream must raise it: a header with a stream that is not known counts
// as damaged, not as newer.
inline constexpr std::uint32_t kFormatVersionCold = 3;
inline constexpr std::uint32_t kFormatVersionMin = 1;  // what is read: 1 had no tables
inline constexpr std::uint32_t kTableVersion = 1;
inline constexpr std::size_t kHeaderSlots = 2;
inline constexpr std::size_t kFirstFrame = kHeaderSlots * kBlockSize;

enum class SegmentState : std::uint16_t {
  free = 1,    // zeros, or frames of an older salt
  open = 2,    // frames until one does not verify
  sealed = 3,  // frames until `end`
};

struct SegmentHeader {
  std::uint64_t magic = kSegmentMagic;
  std::uint32_t version = kFormatVersion;
  std::uint16_t state = 0;     // SegmentState
  std::uint16_t stream = 0;    // below kStreams; of the frames in it
  std::uint64_t spool_id = 0;  // random, of the whole spool
  std::uint32_t shard = 0;
  std::uint32_t number = 0;    // of the file, as in its name
  std::uint64_t sequence = 0;  // rises with each opening of a segment in this shard; never repeats
  std::uint64_t salt = 0;
  std::uint64_t generation = 0;  // of this header; its lowest bit names the slot
  std::uint64_t first_commit_sequence = 0;
  std::uint64_t end = 0;         // of a sealed segment: where its last good frame ends
  std::uint32_t epoch = 0;       // of the frames in it
  std::uint32_t table_size = 0;  // of the table that begins at `end`; 0 is none
  std::uint32_t blocks = 0;      // the size of the file; 0: written before this stood here
  std::uint32_t crc = 0;         // of all bytes before it
};
static_assert(sizeof(SegmentHeader) == 88 && offsetof(SegmentHeader, crc) == 84);

struct FrameHeader {
  std::uint32_t magic = kFrameMagic;
  std::uint32_t size = 0;  // with this header, without the zeros behind
  std::uint64_t salt = 0;
  std::uint32_t epoch = 0;
  std::uint32_t record_count = 0;
  std::uint64_t commit_sequence = 0;  // rises by one or more, from 1 in each epoch
  std::uint32_t previous_crc = 0;     // header_crc of the frame before it in this segment, or 0
  std::uint32_t records_crc = 0;  // of the record headers, in order; each of them has the CRC of its payload
  std::uint32_t stream = 0;       // as its segment's header has it, should that be lost
  std::uint32_t header_crc = 0;   // of all bytes before it
};
static_assert(sizeof(FrameHeader) == 48 && offsetof(FrameHeader, header_crc) == 44);

constexpr std::uint32_t version_of_stream(std::uint32_t stream) {
  return stream == 0 ? kFormatVersion : kFormatVersionCold;
}

struct RecordHeader {
  std::uint32_t crc = 0;   // of the rest of this header and the payload
  std::uint32_t size = 0;  // of the payload
  std::uint8_t type = 0;
  std::uint8_t flags = 0;
  std::uint16_t reserved = 0;
  std::uint32_t tag = 0;  // record_tag of its place; 0 in version 1
  std::uint64_t id = 0;
};
static_assert(sizeof(RecordHeader) == 24);

// Where frames are damaged, records are found by it: a mail may hold what looks like a record, but its sender does not
// know the salt. `offset` is the header's, in the file.
constexpr std::uint32_t record_tag(std::uint64_t salt, std::uint64_t offset) {
  const std::uint64_t mixed = (salt ^ offset * 0x9E3779B97F4A7C15U) * 0xD6E8FEB86659FD93U;
  return static_cast<std::uint32_t>((mixed ^ mixed >> 29) >> 16);
}

// The one record type of the engine itself. Its payload is VoidRange[]: frames that were written with an error, so that
// nobody knows whether they are there. They promised nothing and count for nothing.
inline constexpr std::uint8_t kVoidType = 255;
struct VoidRange {
  std::uint32_t segment = 0;  // the number of the file they may stand in
  std::uint32_t epoch = 0;
  std::uint64_t first = 0;  // commit sequences, both inclusive
  std::uint64_t last = 0;
  bool operator==(const VoidRange&) const = default;
};
static_assert(sizeof(VoidRange) == 24);

// Before the entries of an index table, which follow without a gap.
struct TableHeader {
  std::uint32_t magic = kTableMagic;
  std::uint32_t version = kTableVersion;
  std::uint64_t salt = 0;  // as in the frames
  std::uint64_t end = 0;   // of the frames that it is about
  std::uint32_t epoch = 0;
  std::uint32_t entry_count = 0;
  std::uint32_t size = 0;  // with this header
  std::uint32_t entries_crc = 0;
  std::uint32_t reserved = 0;
  std::uint32_t header_crc = 0;  // of all bytes before it
};
static_assert(sizeof(TableHeader) == 48 && offsetof(TableHeader, header_crc) == 44);

// One record, in the order of the frames. Bytes follow, padded to a multiple of 8: the payload, or its summary.
struct TableEntry {
  std::uint64_t id = 0;
  std::uint32_t offset = 0;  // of the payload, in the file
  std::uint32_t size = 0;    // of the payload
  std::uint32_t commit = 0;  // commit sequence of its frame, less that with which the segment began
  std::uint16_t bytes =
      0;  // how many follow; kBytesSummary is added for a summary; kBytesAbsent: none, read the record
  std::uint8_t type = 0;
  std::uint8_t flags = 0;

  static constexpr std::uint16_t kBytesSummary = 0x8000;
  static constexpr std::uint16_t kBytesAbsent = 0x7FFF;
};
static_assert(sizeof(TableEntry) == 24);

constexpr std::size_t round_up(std::size_t size, std::size_t step) {
  return (size + step - 1) / step * step;
}
constexpr std::size_t record_size(std::size_t payload) {
  return sizeof(RecordHeader) + round_up(payload, 8);
}

template <class T>
T load(std::span<const std::byte> from, std::size_t offset = 0) {
  T value;
  std::memcpy(&value, from.data() + offset, sizeof value);
  return value;
}

void seal(SegmentHeader& header);
void seal(FrameHeader& header);
void seal(TableHeader& header);
// Nothing when the bytes are not such a header. `slot` has kBlockSize bytes.
std::optional<SegmentHeader> parse_segment_header(std::span<const std::byte> slot);
std::optional<FrameHeader> parse_frame_header(std::span<const std::byte> bytes);
std::optional<TableHeader> parse_table_header(std::span<const std::byte> bytes);
std::uint32_t record_crc(const RecordHeader& header, std::span<const std::byte> payload);
// Of the header alone, to be continued over the payload.
std::uint32_t record_crc(const RecordHeader& header);

// Both slots of a file's head (kFirstFrame bytes).
struct SegmentHead {
  std::optional<SegmentHeader> header;  // the newest valid one
  bool damaged = false;                 // a slot is neither valid nor all zeros
  bool newer = false;                   // the newest whole slot is of a version that is not known here
};
SegmentHead parse_segment_head(std::span<const std::byte> head);

// Goes through the records of one frame. `frame` is its FrameHeader and all its records.
class RecordCursor {
 public:
  explicit RecordCursor(std::span<const std::byte> frame) : frame_(frame) {}
  // False at the end, or when the bytes cannot be a record.
  bool next();
  const RecordHeader& header() const { return header_; }
  std::span<const std::byte> payload() const { return frame_.subspan(payload_, header_.size); }
  std::size_t payload_offset() const { return payload_; }  // in the frame
  bool intact() const { return record_crc(header_, payload()) == header_.crc; }
  bool at_end() const { return next_ == frame_.size(); }

 private:
  std::span<const std::byte> frame_;
  RecordHeader header_;
  std::size_t payload_ = 0;
  std::size_t next_ = sizeof(FrameHeader);
};

enum class FrameHealth : std::uint8_t {
  good,
  damaged,  // the header holds, so its size does, but not every record
  none,     // no frame of this salt begins here
};
// `frame` begins with what parse_frame_header took and is as long as it says.
FrameHealth check_frame(const FrameHeader& header, std::span<const std::byte> frame);

}  // namespace ringpost::journal
