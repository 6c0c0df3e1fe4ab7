#include "index_table.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "ringpost/base/assert.hpp"
#include "ringpost/scan/crc32c.hpp"

namespace ringpost::journal {

namespace {

constexpr std::array<std::byte, 8> kZeros{};

std::size_t bytes_of(const Record& record, std::size_t payload_size) {
  if (record.in_table == InTable::summary) return record.summary.size();
  return payload_size <= kTableBytesMax ? payload_size : 0;
}

// What an entry may be, whatever its checksum says.
bool plausible(const TableEntry& entry, std::uint64_t end) {
  return entry.offset % 8 == 0 && entry.offset > kFirstFrame &&
         std::uint64_t{entry.offset} + entry.size <= end;
}

std::size_t bytes_behind(const TableEntry& entry) {
  const std::uint16_t bytes = entry.bytes & ~TableEntry::kBytesSummary;
  return bytes == TableEntry::kBytesAbsent ? 0 : bytes;
}

// The first entry of those, and its bytes; what is left of them. False when they do not hold one.
bool take_entry(std::span<const std::byte>& left, TableEntry& entry, std::span<const std::byte>& bytes) {
  if (left.size() < sizeof entry) return false;
  entry = load<TableEntry>(left);
  left = left.subspan(sizeof entry);
  const std::size_t size = bytes_behind(entry);
  if (left.size() < round_up(size, 8)) return false;
  bytes = left.first(size);
  left = left.subspan(round_up(size, 8));
  return true;
}

}  // namespace

std::size_t IndexTable::size_of(const Record& record, std::size_t payload_size) {
  if (record.in_table == InTable::nothing) return 0;
  return sizeof(TableEntry) + round_up(bytes_of(record, payload_size), 8);
}

void IndexTable::add(const Record& record, Location where, std::uint64_t commit_sequence,
                     std::span<const std::byte> payload) {
  if (record.in_table == InTable::nothing) return;
  const bool summary = record.in_table == InTable::summary;
  RP_ASSERT(!summary || record.summary.size() <= kTableBytesMax);
  const bool absent = !summary && payload.size() > kTableBytesMax;
  const auto bytes = absent ? std::span<const std::byte>{} : summary ? record.summary : payload;
  TableEntry entry{.id = record.id.value,
                   .offset = where.offset,
                   .size = where.size,
                   .commit = static_cast<std::uint32_t>(commit_sequence - first_),
                   .bytes = static_cast<std::uint16_t>(bytes.size()),
                   .type = record.type,
                   .flags = record.flags};
  if (absent) entry.bytes = TableEntry::kBytesAbsent;
  if (summary) entry.bytes |= TableEntry::kBytesSummary;
  put(std::as_bytes(std::span(&entry, 1)));
  put(bytes);
  put(std::span(kZeros).first(round_up(bytes.size(), 8) - bytes.size()));
  ++count_;
}

void IndexTable::put(std::span<const std::byte> bytes) {
  crc_ = scan::crc32c(bytes, crc_);
  while (!bytes.empty()) {
    if (used_ >= pieces_.size() * kTablePiece) pieces_.emplace_back(kTablePiece);
    const std::size_t at = used_ % kTablePiece;
    const std::size_t count = std::min(bytes.size(), kTablePiece - at);
    std::memcpy(pieces_.back().data() + at, bytes.data(), count);
    bytes = bytes.subspan(count);
    used_ += count;
  }
}

void IndexTable::finish(std::uint64_t salt, std::uint32_t epoch, std::uint64_t end) {
  if (pieces_.empty()) pieces_.emplace_back(kTablePiece);
  TableHeader header{.salt = salt,
                     .end = end,
                     .epoch = epoch,
                     .entry_count = count_,
                     .size = static_cast<std::uint32_t>(used_),
                     .entries_crc = crc_};
  seal(header);
  std::memcpy(pieces_.front().data(), &header, sizeof header);
  const std::size_t last = used_ - (pieces_.size() - 1) * kTablePiece;
  std::memset(pieces_.back().data() + last, 0, round_up(last, kBlockSize) - last);
}

std::span<const std::byte> IndexTable::piece(std::size_t at) const {
  return pieces_[at / kTablePiece].bytes().first(std::min(kTablePiece, round_up(used_ - at, kBlockSize)));
}

std::optional<TableEntries> TableEntries::of(std::span<const std::byte> table, std::uint64_t salt,
                                             std::uint64_t end) {
  const auto header = parse_table_header(table);
  if (!header || header->salt != salt || header->end != end || header->size > table.size())
    return std::nullopt;
  const auto entries = table.subspan(sizeof *header, header->size - sizeof *header);
  if (scan::crc32c(entries) != header->entries_crc) return std::nullopt;
  auto left = entries;
  TableEntry entry;
  std::span<const std::byte> bytes;
  for (std::uint32_t i = 0; i < header->entry_count; ++i)
    if (!take_entry(left, entry, bytes) || !plausible(entry, end)) return std::nullopt;
  if (!left.empty()) return std::nullopt;
  return TableEntries(entries);
}

bool TableEntries::next(TableEntry& entry, std::span<const std::byte>& bytes) {
  return !left_.empty() && take_entry(left_, entry, bytes);
}

}  // namespace ringpost::journal
