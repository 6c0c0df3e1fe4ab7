// Recovery of a sealed segment by its index table; and for who only looks, the table compared with the frames.
#include <algorithm>
#include <optional>

#include "found_segments.hpp"
#include "index_table.hpp"

namespace ringpost::journal {

namespace {

// The table of a sealed segment, or nothing when there is none or it cannot be read.
std::optional<AlignedMemory> load_table(io::Files& files, const FoundSegment& found) {
  const std::uint64_t size = round_up(found.header.table_size, kBlockSize);
  if (found.header.table_size < sizeof(TableHeader) || found.header.end + size > found.size)
    return std::nullopt;
  AlignedMemory memory(size);
  if (!has_all(files, found.file.handle, memory.bytes(), found.header.end)) return std::nullopt;
  return memory;
}

// The payload of a record that the table does not hold.
std::span<const std::byte> load_record(io::Files& files, const FoundSegment& found, const TableEntry& entry,
                                       AlignedMemory& memory, bool& missed) {
  const std::uint64_t at = (entry.offset - sizeof(RecordHeader)) / kBlockSize * kBlockSize;
  const std::size_t skip = entry.offset - at;
  const std::size_t size = round_up(skip + entry.size, kBlockSize);
  if (memory.bytes().size() < size) memory = AlignedMemory(size);
  if (!has_all(files, found.file.handle, memory.bytes().first(size), at)) {
    missed = true;
    return {};
  }
  const auto payload = std::span<const std::byte>(memory.bytes()).subspan(skip, entry.size);
  const auto header = load<RecordHeader>(memory.bytes(), skip - sizeof(RecordHeader));
  return header.size == entry.size && record_crc(header, payload) == header.crc
             ? payload
             : std::span<const std::byte>{};
}

}  // namespace

struct SegmentTableRead::Bytes {
  AlignedMemory memory;
  TableEntries entries;
  TableEntries ahead;                // some steps before
  AlignedMemory record{kBlockSize};  // for payloads that the table does not hold
};

SegmentTableRead::SegmentTableRead() = default;
SegmentTableRead::~SegmentTableRead() = default;

bool SegmentTableRead::should_be(const FoundSegment& found, std::span<const VoidRange> voids) {
  if (found.state() != SegmentState::sealed || found.header.table_size == 0) return false;
  // Such a segment has no table; if one is said to have, its frames tell.
  return std::ranges::none_of(voids, [&](const VoidRange& range) {
    return range.segment == found.number && range.epoch == found.header.epoch;
  });
}

bool SegmentTableRead::load(io::Files& files, const FoundSegment& found) {
  auto memory = load_table(files, found);
  if (!memory) return false;
  auto entries = TableEntries::of(memory->bytes(), found.header.salt, found.header.end);
  if (!entries) return false;
  bytes_ = std::make_unique<Bytes>(std::move(*memory), *entries, *entries);
  return true;
}

void SegmentTableRead::look_ahead(const RecoveryVisitor& visitor) {
  TableEntry entry;
  std::span<const std::byte> bytes;
  if (visitor.ahead && bytes_->ahead.next(entry, bytes)) visitor.ahead({entry.id});
}

bool SegmentTableRead::visit_some(io::Files& files, const FoundSegment& found, const FramePlace& place,
                                  const RecoveryVisitor& visitor, std::size_t count, RecoveryReport& report) {
  TableEntry entry;
  std::span<const std::byte> bytes;
  for (; begun_ < kAheadSteps; ++begun_) look_ahead(visitor);
  for (; count > 0; --count) {
    if (!bytes_->entries.next(entry, bytes)) return false;
    look_ahead(visitor);
    RecordView view{.type = entry.type,
                    .flags = entry.flags,
                    .id = {entry.id},
                    .shard = place.shard,
                    .where = {place.segment, entry.offset, entry.size},
                    .order = order_of(found.header.epoch, found.header.first_commit_sequence + entry.commit),
                    .sequence = place.sequence,
                    .payload = bytes};
    view.summary = (entry.bytes & TableEntry::kBytesSummary) != 0;
    if (entry.bytes == TableEntry::kBytesAbsent) {
      view.payload = load_record(files, found, entry, bytes_->record, missed_blocks_);
      if (view.payload.data() == nullptr) {
        report.add({place.number,
                    entry.offset,
                    entry.size,
                    false,
                    "a record does not verify",
                    {entry.id},
                    entry.type});
        continue;
      }
    }
    ++report.records;
    report.bytes += entry.size;
    visitor.visit(view);
  }
  return true;
}

// Who only looks reads the frames, and says of a table whether recovery could have used it. Where frames are damaged it
// tells whose records were in them; `found_offsets` are those that were found.
void check_table(io::Files& files, const FoundSegment& found, std::vector<std::uint32_t>& found_offsets,
                 bool some_lost, RecoveryReport& report) {
  if (found.state() != SegmentState::sealed || found.header.table_size == 0) return;
  const auto table = load_table(files, found);
  std::ranges::sort(found_offsets);
  auto entries = table ? TableEntries::of(table->bytes(), found.header.salt, found.header.end) : std::nullopt;
  if (entries) {
    ++report.tables;
    TableEntry entry;
    std::span<const std::byte> bytes;
    while (entries->next(entry, bytes))
      if (some_lost && !std::ranges::binary_search(found_offsets, entry.offset))
        report.add(
            {found.number, entry.offset, entry.size, false, "a record is lost", {entry.id}, entry.type});
    return;
  }
  report.add({found.number,
              found.header.end,
              found.header.table_size,
              false,
              "the index table does not verify",
              {}});
}

}  // namespace ringpost::journal
