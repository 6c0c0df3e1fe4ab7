#include "segment_table.hpp"

#include <algorithm>

#include "ringpost/base/assert.hpp"

namespace ringpost::journal {

std::uint32_t SegmentTable::add(Segment segment) {
  const auto index = static_cast<std::uint32_t>(segments_.size());
  by_number_.emplace(key(segment.shard, segment.number), index);
  if (!segment.orphan) next_number_ = std::max(next_number_, segment.number + 1);
  segments_.push_back(std::make_unique<Segment>(std::move(segment)));
  if (!segments_[index]->orphan) ++count_of(*segments_[index]);
  return index;
}

void SegmentTable::set_use(std::uint32_t index, Segment::Use use, unsigned stream) {
  Segment& segment = *segments_[index];
  if (!segment.orphan) --count_of(segment);
  segment.use = use;
  segment.stream = stream;
  if (!segment.orphan) ++count_of(segment);
}

std::uint32_t SegmentTable::find(std::uint32_t shard, std::uint32_t number) const {
  const auto found = by_number_.find(key(shard, number));
  return found == by_number_.end() ? kNoSegment : found->second;
}

bool SegmentTable::has_shard(std::uint32_t shard) const {
  return std::ranges::find(shards_, shard) != shards_.end();
}

void SegmentTable::add_live(Location where) {
  Segment& segment = *segments_[where.segment];
  segment.live_bytes += record_size(where.size);
  ++segment.live_records;
  live_bytes_ += record_size(where.size);
}

void SegmentTable::drop_live(Location where, std::uint64_t quiet_after) {
  Segment& segment = *segments_[where.segment];
  RP_ASSERT(segment.live_records > 0 && segment.live_bytes >= record_size(where.size));
  segment.live_bytes -= record_size(where.size);
  --segment.live_records;
  segment.quiet_after = std::max(segment.quiet_after, quiet_after);
  live_bytes_ -= record_size(where.size);
}

std::uint32_t SegmentTable::target_of(const SegmentName& name) const {
  if (!has_shard(name.shard)) return kElsewhere;
  const std::uint32_t index = find(name.shard, name.number);
  if (index == kNoSegment || !segments_[index]->holds_frames()) return kNoSegment;
  const SegmentName found{name.shard, name.number, segments_[index]->header.sequence};
  return may_be_same(found, name) ? index : kNoSegment;
}

void SegmentTable::add_pin(std::uint32_t segment, std::uint32_t target) {
  auto& pins = segments_[segment]->pins;
  const auto found = std::ranges::find(pins, target, &Segment::PinCount::target);
  if (found == pins.end())
    pins.push_back({target, 1});
  else
    ++found->count;
}

void SegmentTable::add_copies(std::uint32_t from, std::uint32_t to, std::uint64_t frame) {
  if (from == to || segments_[to]->stream == 0) return;
  auto& copies = segments_[from]->copies;
  const auto found = std::ranges::find(copies, to, &Segment::Copies::segment);
  const Segment::Copies now{to, segments_[to]->header.sequence, frame};
  if (found == copies.end())
    copies.push_back(now);
  else
    *found = now;
}

void SegmentTable::drop_pins_to(std::uint32_t target) {
  for (const auto& segment : segments_)
    std::erase_if(segment->pins, [&](const Segment::PinCount& pin) { return pin.target == target; });
}

}  // namespace ringpost::journal
