// Reading records back: from a commit buffer while it is hot, else from the disk.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <tuple>

#include <fmt/format.h>

#include "ringpost/base/assert.hpp"
#include "ringpost/scan/crc32c.hpp"

#include "found_segments.hpp"
#include "log_state.hpp"

namespace ringpost::journal {

namespace {

// Hands bytes that come in order to spans that begin `skip` bytes later.
class Scatter {
 public:
  Scatter(std::uint32_t skip, std::span<const std::span<std::byte>> into) : skip_(skip), into_(into) {}

  void take(std::span<const std::byte> bytes) {
    const std::size_t skipped = std::min(skip_, bytes.size());
    skip_ -= skipped;
    bytes = bytes.subspan(skipped);
    while (!bytes.empty() && !into_.empty()) {
      const std::size_t count = std::min(bytes.size(), into_.front().size() - filled_);
      if (count != 0) std::memcpy(into_.front().data() + filled_, bytes.data(), count);
      bytes = bytes.subspan(count);
      filled_ += count;
      if (filled_ != into_.front().size()) continue;
      into_ = into_.subspan(1);
      filled_ = 0;
    }
  }

 private:
  std::size_t skip_;
  std::span<const std::span<std::byte>> into_;
  std::size_t filled_ = 0;
};

// Blocks come from the pool on cache lines; direct reads want more. As much of each, wherever it lies: what is read must not
// depend on that.
std::span<std::byte> aligned_part(buffer::Block& block) {
  const auto room = block.room();
  const auto address = reinterpret_cast<std::uintptr_t>(room.data());
  const std::size_t skipped = round_up(address, kBlockSize) - address;
  return room.subspan(skipped, (room.size() - kBlockSize) / kBlockSize * kBlockSize);
}

constexpr std::size_t kBounceMin = 2 * kBlockSize;
constexpr std::size_t kBounceMax = 256 * 1024;

}  // namespace

Task<Result<void>> Log::State::read(Location where, std::uint32_t skip,
                                    std::vector<std::span<std::byte>> into) {
  if (const auto found = hot(where); found.buffer != nullptr) {
    Scatter(skip, into).take(found.bytes);
    co_return Result<void>{};
  }
  figures.cold_reads.add();
  ++segments[where.segment].readers;
  auto good = co_await read_cold(where, skip, into);
  if (!good || !*good) good = co_await read_cold(where, skip, into);
  --segments[where.segment].readers;
  consider(where.segment);
  if (!good) co_return fail(std::move(good).error());
  if (*good) co_return Result<void>{};
  figures.damaged_reads.add();
  const Segment& segment = segments[where.segment];
  co_return fail(ErrorKind::permanent, fmt::format("the record at {} of segment {} of shard {} is damaged",
                                                   where.offset, segment.number, segment.shard));
}

// False: what was read does not verify.
Task<Result<bool>> Log::State::read_cold(Location where, std::uint32_t skip,
                                         std::span<const std::span<std::byte>> into) {
  const std::uint64_t begin = where.offset - sizeof(RecordHeader);
  const std::uint64_t end = std::uint64_t{where.offset} + where.size;
  std::uint64_t at = begin / kBlockSize * kBlockSize;
  const std::size_t span = round_up(static_cast<std::size_t>(end - at), kBlockSize);
  buffer::Block block = core.buffers().take(std::min(span + kBlockSize, kBounceMax));
  if (!block) block = core.buffers().take(kBounceMin);
  if (!block) co_return fail(ErrorKind::exhausted, "no memory to read a record");
  const auto bounce = aligned_part(block);

  Scatter scatter(skip, into);
  RecordHeader header;
  std::uint32_t crc = 0;
  for (; at < end; at += bounce.size()) {
    const auto wanted = static_cast<std::size_t>(
        std::min<std::uint64_t>(round_up(static_cast<std::size_t>(end - at), kBlockSize), bounce.size()));
    const iovec vector{bounce.data(), wanted};
    const std::int32_t result = co_await shard::Await(core, {.kind = io::OpKind::read,
                                                             .handle = segments[where.segment].file.handle,
                                                             .vectors = &vector,
                                                             .vector_count = 1,
                                                             .offset = at});
    if (result < 0) co_return fail(system_error(-result, "read a record"));
    if (static_cast<std::size_t>(result) < wanted)
      co_return fail(system_error(EIO, "read a record: its file is shorter than it was"));
    auto bytes = std::span<const std::byte>(bounce).first(
        static_cast<std::size_t>(std::min<std::uint64_t>(wanted, end - at)));
    if (at < begin) bytes = bytes.subspan(static_cast<std::size_t>(begin - at));
    if (at <= begin) {
      // The header may lie across two reads only when it begins less than its size before the end of the first.
      if (bytes.size() < sizeof header)
        co_return fail(ErrorKind::temporary, "read a record: no room for its header");
      header = load<RecordHeader>(bytes);
      if (header.size != where.size) co_return false;
      crc = scan::crc32c(std::as_bytes(std::span(&header, 1)).subspan(sizeof header.crc));
      bytes = bytes.subspan(sizeof header);
    }
    crc = scan::crc32c(bytes, crc);
    scatter.take(bytes);
  }
  co_return crc == header.crc;
}

Task<Result<Near>> Log::State::read_near(std::vector<Location> places) {
  const std::uint32_t index = places.front().segment;
  const std::uint64_t begin = (places.front().offset - sizeof(RecordHeader)) / kBlockSize * kBlockSize;
  const std::uint64_t end = std::uint64_t{places.back().offset} + places.back().size;
  RP_ASSERT(end > begin && end - begin <= kNearBytes + kBlockSize + sizeof(RecordHeader));
  const std::size_t wanted = round_up(static_cast<std::size_t>(end - begin), kBlockSize);
  const auto memory = std::make_shared<const AlignedMemory>(wanted);
  const auto bytes = memory->bytes();
  figures.cold_reads.add();
  ++segments[index].readers;
  const iovec vector{bytes.data(), bytes.size()};
  const std::int32_t result = co_await shard::Await(core, {.kind = io::OpKind::read,
                                                           .handle = segments[index].file.handle,
                                                           .vectors = &vector,
                                                           .vector_count = 1,
                                                           .offset = begin});
  --segments[index].readers;
  consider(index);
  if (result < 0) co_return fail(system_error(-result, "read records"));
  const auto read = static_cast<std::size_t>(result);
  const bool maybe_hot = buffers.hold_some_of(index);
  Near near{.payloads{places.size()}, .memory = memory, .size = wanted};
  for (std::size_t i = 0; i < places.size(); ++i) {
    const Location& where = places[i];
    const std::size_t at = static_cast<std::size_t>(where.offset - begin);
    const auto payload = bytes.subspan(at, where.size);
    // What was written last may not have been on the disk when it was read.
    if (const auto found = maybe_hot ? hot(where) : CommitBuffers::Hot{}; found.buffer != nullptr) {
      std::ranges::copy(found.bytes, payload.begin());
      near.payloads[i] = payload;
      continue;
    }
    if (at + where.size > read) continue;
    const auto header = load<RecordHeader>(bytes, at - sizeof(RecordHeader));
    if (header.size == where.size && record_crc(header, payload) == header.crc) near.payloads[i] = payload;
  }
  co_return near;
}

// What cannot be read at once: block by block, for what failed may be read the next time; zeros stand for the blocks that
// cannot be.
Task<Result<void>> Log::State::read_blocks(std::uint32_t index, SegmentWalk& walk,
                                           std::span<std::byte> window) {
  for (std::size_t at = 0; at + kBlockSize <= window.size(); at += kBlockSize) {
    const auto block = window.subspan(at, kBlockSize);
    const iovec vector{block.data(), block.size()};
    const io::Op read{.kind = io::OpKind::read,
                      .handle = segments[index].file.handle,
                      .vectors = &vector,
                      .vector_count = 1,
                      .offset = walk.want_offset() + at};
    std::int32_t result = 0;
    for (unsigned tries = 0; tries < kBlockReads && result != static_cast<std::int32_t>(kBlockSize); ++tries)
      result = co_await shard::Await(core, read);
    if (result == -ECANCELED) co_return fail(ErrorKind::cancelled, "read a segment");
    if (result == static_cast<std::int32_t>(kBlockSize)) continue;
    std::ranges::fill(block, std::byte{0});
    walk.unreadable(walk.want_offset() + at);
  }
  co_return Result<void>{};
}

// False when there is no further frame.
Task<Result<bool>> Log::State::next_frame(std::uint32_t index, SegmentWalk& walk,
                                          const AlignedMemory& window) {
  while (true) {
    const SegmentWalk::Step step = walk.step();
    if (step != SegmentWalk::Step::need) co_return step == SegmentWalk::Step::frame;
    const auto bytes = window.bytes().first(walk.want_size());
    const iovec vector{bytes.data(), bytes.size()};
    const std::int32_t result = co_await shard::Await(core, {.kind = io::OpKind::read,
                                                             .handle = segments[index].file.handle,
                                                             .vectors = &vector,
                                                             .vector_count = 1,
                                                             .offset = walk.want_offset()});
    if (result == -ECANCELED) co_return fail(ErrorKind::cancelled, "read a segment");
    if (result < 0) RP_CO_CHECK(co_await read_blocks(index, walk, bytes));
    walk.give(result < 0 ? bytes : bytes.first(static_cast<std::size_t>(result)));
  }
}

Task<Result<void>> Log::State::walk(std::function<void(const RecordView&)> visit) {
  std::vector<std::uint32_t> order;
  for (std::uint32_t i = 0; i < segments.size(); ++i)
    if (segments[i].holds_frames()) order.push_back(i);
  std::ranges::sort(order, {}, [&](std::uint32_t i) {
    const Segment& segment = segments[i];
    return std::tuple(!segment.orphan, segment.shard, segment.stream == 0, segment.header.epoch,
                      segment.header.first_commit_sequence, segment.header.sequence);
  });
  const AlignedMemory window(kWindowSize);
  RecoveryReport ignored;
  for (const std::uint32_t index : order) {
    ++segments[index].readers;
    const Segment& segment = segments[index];
    SegmentWalk frames_of(segment.walk_facts());
    while (true) {
      auto more = co_await next_frame(index, frames_of, window);
      if (more && *more && !closing) {
        visit_records(frames_of, {segment.shard, index, segment.number, segment.header.sequence}, visit,
                      ignored);
        continue;
      }
      --segments[index].readers;
      if (!more) co_return fail(std::move(more).error());
      break;
    }
    if (closing) co_return fail(ErrorKind::cancelled, "the log is closing");
    co_await shard::Yield{core};
  }
  co_return Result<void>{};
}

}  // namespace ringpost::journal
