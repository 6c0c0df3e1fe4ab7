// Recovery of the log. Byte 1: 0 one segment file that is the input itself; otherwise the input says which segments to
// write, and then which of their bytes to change (three bytes say where, one what).
//
// What must hold: nothing is read twice; a record of a frame that nobody touched, in a segment whose head nobody
// touched, is always found, as it was written; and what an earlier use of a segment left behind never is.
#include <set>
#include <string>
#include <vector>

#include "ringpost/journal/format.hpp"
#include "ringpost/journal/records.hpp"
#include "ringpost/scan/crc32c.hpp"

#include "fuzz_input.hpp"
#include "memory_files.hpp"

using namespace ringpost;

namespace {

constexpr std::uint64_t kSpool = 77;
constexpr std::uint64_t kStale = std::uint64_t{1} << 40U;  // ids of an earlier use
constexpr const char* kFolder = "/spool/shard-0";

struct Written {
  std::uint64_t id = 0;
  std::string payload;
  std::size_t segment = 0;
  std::size_t frame_begin = 0;  // in the file, with its padding
  std::size_t frame_end = 0;
};

template <class T>
void put(std::vector<std::byte>& to, const T& value) {
  const auto bytes = std::as_bytes(std::span(&value, 1));
  to.insert(to.end(), bytes.begin(), bytes.end());
}
void pad(std::vector<std::byte>& to, std::size_t step) {
  to.resize(journal::round_up(to.size(), step));
}

class Disk {
 public:
  explicit Disk(fuzz::Input& input) : input_(input) {
    const unsigned segments = 1 + input_.byte() % 3U;
    for (unsigned i = 0; i < segments; ++i) write_segment(i);
  }

  std::vector<std::vector<std::byte>> files;
  std::vector<Written> written;

 private:
  void write_segment(unsigned index) {
    const unsigned kind = input_.byte();
    journal::SegmentHeader header;
    header.spool_id = kSpool;
    header.number = index;
    header.sequence = index + 1;
    header.salt = 1000 + index;
    header.generation = kind % 2U;
    header.epoch = epoch_;
    header.first_commit_sequence = sequence_;
    std::vector<std::byte> file(journal::kFirstFrame);
    previous_crc_ = 0;
    const unsigned frames = input_.byte() % 5U;
    for (unsigned i = 0; i < frames; ++i) write_frame(file, header.salt, true, index);
    header.end = file.size();
    const bool sealed = (kind & 2U) != 0;
    header.state =
        static_cast<std::uint16_t>(sealed ? journal::SegmentState::sealed : journal::SegmentState::open);
    if ((kind & 4U) != 0) write_frame(file, 5, false, index);
    file.resize(file.size() + journal::kBlockSize * (kind >> 6U) + journal::kBlockSize);
    journal::seal(header);
    std::memcpy(file.data() + header.generation % 2 * journal::kBlockSize, &header, sizeof header);
    files.push_back(std::move(file));
  }

  void write_frame(std::vector<std::byte>& file, std::uint64_t salt, bool live, std::size_t segment) {
    const std::size_t begin = file.size();
    journal::FrameHeader header;
    header.salt = salt;
    header.epoch = epoch_;
    header.commit_sequence = sequence_++;
    header.previous_crc = previous_crc_;
    header.record_count = input_.byte() % 4U;
    std::vector<std::byte> frame(sizeof header);
    std::uint32_t records_crc = 0;
    const std::size_t first = written.size();
    for (std::uint32_t i = 0; i < header.record_count; ++i) {
      const std::string payload(input_.byte() * 40U, static_cast<char>('a' + input_.byte() % 26));
      journal::RecordHeader record;
      record.size = static_cast<std::uint32_t>(payload.size());
      record.type = static_cast<std::uint8_t>(1 + i);
      record.id = (live ? 0 : kStale) + ++ids_;
      record.crc = journal::record_crc(record, std::as_bytes(std::span(payload)));
      records_crc = journal_crc(record, records_crc);
      put(frame, record);
      const auto bytes = std::as_bytes(std::span(payload));
      frame.insert(frame.end(), bytes.begin(), bytes.end());
      pad(frame, 8);
      if (live) written.push_back({record.id, payload, segment});
    }
    header.size = static_cast<std::uint32_t>(frame.size());
    header.records_crc = records_crc;
    journal::seal(header);
    if (live) previous_crc_ = header.header_crc;
    std::memcpy(frame.data(), &header, sizeof header);
    file.insert(file.end(), frame.begin(), frame.end());
    pad(file, journal::kBlockSize);
    for (std::size_t i = first; i < written.size(); ++i) {
      written[i].frame_begin = begin;
      written[i].frame_end = file.size();
    }
  }
  static std::uint32_t journal_crc(const journal::RecordHeader& record, std::uint32_t seed) {
    return scan::crc32c(std::as_bytes(std::span(&record, 1)), seed);
  }

  fuzz::Input& input_;
  std::uint32_t epoch_ = 3;
  std::uint64_t sequence_ = 1;
  std::uint64_t ids_ = 0;
  std::uint32_t previous_crc_ = 0;
};

struct Found {
  std::map<std::uint64_t, std::string> records;
  journal::RecoveryReport report;
  bool refused = false;  // it belongs to another spool
};

Found recover(const std::vector<std::vector<std::byte>>& segments) {
  fuzz::MemoryFiles files;
  for (std::size_t i = 0; i < segments.size(); ++i)
    files.content[fmt::format("segment-{:06}", i)] = segments[i];
  Found found;
  std::set<std::pair<std::uint32_t, std::uint32_t>> places;
  const auto visit = [&](const journal::RecordView& record) {
    RP_ASSERT(places.insert({record.where.segment, record.where.offset}).second);
    RP_ASSERT(record.where.size == record.payload.size());
    found.records[record.id.value].assign(reinterpret_cast<const char*>(record.payload.data()),
                                          record.payload.size());
  };
  const auto read = journal::read_shard(files, {kFolder, 0, kSpool}, visit, found.report);
  RP_ASSERT(files.all_closed());
  found.refused = !read;
  return found;
}

void check_written(fuzz::Input& input) {
  Disk disk(input);
  const Found whole = recover(disk.files);
  RP_ASSERT(!whole.refused && whole.report.damages == 0 && whole.report.torn_tails == 0);
  RP_ASSERT(whole.records.size() == disk.written.size());

  std::set<std::pair<std::size_t, std::size_t>> changed;  // segment, offset
  while (!input.empty()) {
    const std::size_t segment = input.byte() % disk.files.size();
    const std::size_t offset = input.number() % disk.files[segment].size();
    const std::byte difference{input.byte()};
    if (difference == std::byte{0}) continue;
    disk.files[segment][offset] ^= difference;
    changed.insert({segment, offset});
  }
  const auto touched = [&](std::size_t segment, std::size_t from, std::size_t to) {
    const auto first = changed.lower_bound({segment, from});
    return first != changed.end() && *first < std::pair(segment, to);
  };
  const Found after = recover(disk.files);
  for (const auto& [id, payload] : after.records) RP_ASSERT(id < kStale || !changed.empty());
  for (const Written& record : disk.written) {
    if (touched(record.segment, 0, journal::kFirstFrame)) continue;
    if (touched(record.segment, record.frame_begin, record.frame_end)) continue;
    const auto found = after.records.find(record.id);
    RP_ASSERT(found != after.records.end() && found->second == record.payload);
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  fuzz::Input input(bytes, size);
  if (input.byte() != 0) {
    check_written(input);
    return 0;
  }
  const auto raw = std::as_bytes(std::span(input.rest()));
  (void)recover({{raw.begin(), raw.end()}});
  return 0;
}
