// When a frame cannot be written: nobody knows what stands there now, so nothing is written behind it, and the next
// frame, in another segment, says that it counts for nothing.
#include <algorithm>
#include <cerrno>

#include "log_state.hpp"

namespace ringpost::journal {

// Takes the frames behind it along: they have been given places in a segment that is closed now, or behind one.
void Log::State::frame_failed(std::int32_t result) {
  figures.write_errors.add();
  ++failed_frames;
  last_errno = result < 0 ? -result : EIO;
  if (++write_failures >= kWriteFailuresMax) write_not_before = core.backend().now() + kWriteRetryPause;
  seal_open();
  const std::uint64_t first = settled + 1;
  const std::uint64_t last = newest_appended();
  const Frame& bad = frame_of(first);
  // Only this one was on its way to the disk. The write waits while the list is full.
  voids.push_back({segments[bad.segment].number, place.epoch, first, first});
  void_due = true;
  remember_failed(first, last);

  // Not even one that has no frame yet is used on: its places have been given away.
  for (std::uint64_t sequence = first; sequence <= last; ++sequence) abandon(frame_of(sequence).segment);
  for (Stream& stream : streams)
    if (const std::uint32_t index = std::exchange(stream, {}).segment; index != kNoSegment) abandon(index);
  filling = nullptr;
  settled = last;
  // What stands in for the lost records must be durable before anything that it supersedes is given back, and nothing is
  // while they are told. A frame comes in any case: the one with the voids.
  quiet_floor = last + 1;
  tell_lost(first, last);
  quiet_floor = std::max(newest_appended(), quiet_floor);
  for (std::uint64_t sequence = first; sequence <= last; ++sequence) frame_settled(frame_of(sequence));
  released = last;
  for (std::uint32_t i = 0; i < segments.size(); ++i)
    if (is_to_be_sealed(segments[i])) rewrite(i, Segment::Rewrite::seal);
  wake_commit();
}

void Log::State::abandon(std::uint32_t index) {
  Segment& segment = segments[index];
  segments.set_use(index, Segment::Use::closed);
  segment.table.reset();  // it lists what is not there
  segment.closed_at = core.now();
}

void Log::State::tell_lost(std::uint64_t first, std::uint64_t last) {
  if (!on_lost) return;
  for (std::uint64_t sequence = first; sequence <= last; ++sequence) {
    const Frame& frame = frame_of(sequence);
    RecordCursor cursor({frame.data(), frame.size});
    while (cursor.next()) {
      if (cursor.header().type == kVoidType) continue;
      on_lost(
          {.type = cursor.header().type,
           .flags = cursor.header().flags,
           .id = {cursor.header().id},
           .shard = place.shard,
           .where = {frame.segment, static_cast<std::uint32_t>(frame.file_offset + cursor.payload_offset()),
                     cursor.header().size},
           .order = 0,
           .payload = cursor.payload()});
    }
  }
}

// First in the first frame of a segment, so that recovery finds it before it comes to what is voided.
void Log::State::put_voids() {
  const auto bytes = std::as_bytes(std::span(voids));
  const std::span<const std::byte> parts[] = {bytes};
  put({.type = kVoidType, .parts = parts});
  open->voids = true;
}

// A disk that takes nothing for hours makes one range.
void Log::State::remember_failed(std::uint64_t first, std::uint64_t last) {
  if (!failed_ranges.empty() && failed_ranges.back().last + 1 == first) {
    failed_ranges.back().last = last;
    return;
  }
  failed_ranges.push_back({first, last});
  if (failed_ranges.size() <= kFailedRangesMax) return;
  forgotten = failed_ranges.front().last;
  failed_ranges.pop_front();
}

// Of what is forgotten nobody knows: it is no promise any more.
bool Log::State::failed(std::uint64_t sequence) const {
  return sequence <= forgotten || std::ranges::any_of(failed_ranges, [&](const FailedRange& range) {
           return range.first <= sequence && sequence <= range.last;
         });
}

// Its header says durably where it ends, or that it is free: what stands behind needs no record of it any more.
void Log::State::settle_voids_of(Segment& segment) {
  std::erase_if(voids, [&](const VoidRange& range) { return range.segment == segment.number; });
}

}  // namespace ringpost::journal
