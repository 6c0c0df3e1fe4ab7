#include "segment_walk.hpp"

#include <algorithm>

namespace ringpost::journal {

bool SegmentWalk::has(std::size_t size) const {
  return position_ >= window_offset_ && position_ + size <= window_offset_ + window_.size();
}

SegmentWalk::Step SegmentWalk::ask(std::size_t size) {
  const std::uint64_t left = facts_.limit - position_;
  want_size_ = static_cast<std::size_t>(std::min<std::uint64_t>(left, std::max(size, kWindowSize)));
  window_ = {};
  return Step::need;
}

void SegmentWalk::give(std::span<const std::byte> bytes) {
  window_ = bytes;
  window_offset_ = position_;
  // The file is shorter than it was said to be: nothing stands there.
  if (bytes.size() < want_size_) facts_.limit = position_ + bytes.size() / kBlockSize * kBlockSize;
}

// Once for each block, however often it is tried.
void SegmentWalk::unreadable(std::uint64_t offset) {
  missed_blocks_ = true;
  const auto known = [&](const Damage& damage) {
    return damage.offset == offset && damage.size == kBlockSize;
  };
  if (std::ranges::none_of(damages_, known))
    damages_.push_back({facts_.number, offset, kBlockSize, false, "a block cannot be read", {}});
}

std::span<const std::byte> SegmentWalk::here(std::size_t size) const {
  return window_.subspan(static_cast<std::size_t>(position_ - window_offset_), size);
}

std::optional<FrameHeader> SegmentWalk::header_here() {
  const auto bytes = here(kBlockSize);
  const auto raw = load<FrameHeader>(bytes);
  if (raw.magic == kFrameMagic && raw.salt == facts_.salt) ours_in_gap_ = ours_in_gap_ || !salvaging_;
  auto header = parse_frame_header(bytes);
  if (!header || header->salt != facts_.salt) return std::nullopt;
  if (position_ + round_up(header->size, kBlockSize) > facts_.limit) return std::nullopt;
  return header;
}

void SegmentWalk::pass_over(std::size_t size) {
  if (!gap_ && !salvaging_) gap_ = position_;
  position_ += size;
}

// True: it is worth a second reading.
bool SegmentWalk::doubt() {
  if (gap_ || salvaging_ || doubted_ == position_) return false;
  doubted_ = position_;
  window_ = {};
  return true;
}

// The next piece of a gap. A record that begins in it ends within the frame that it was in, so within as much again.
SegmentWalk::Step SegmentWalk::take_loose() {
  const std::uint64_t left = salvage_until_ - position_;
  const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left, kWindowSize));
  if (!has(wanted)) return ask(wanted);
  frame_ = here(wanted);
  offset_ = position_;
  loose_size_ = static_cast<std::size_t>(std::min<std::uint64_t>(left, kBufferSize));
  position_ += loose_size_;
  return Step::frame;
}

SegmentWalk::Step SegmentWalk::step() {
  loose_size_ = 0;
  while (true) {
    if (salvaging_ && position_ >= salvage_until_) {
      salvaging_ = false;
      after_gap_ = true;
    }
    if (position_ + kBlockSize > facts_.limit) {
      if (finish()) return Step::done;
      continue;
    }
    if (salvaging_ && facts_.tagged) return take_loose();
    if (!has(kBlockSize)) return ask(kBlockSize);
    const auto header = header_here();
    if (!header) {
      if (doubt()) continue;
      pass_over(kBlockSize);
      continue;
    }
    if (!has(header->size)) return ask(header->size);
    if (take(*header, here(header->size))) return Step::frame;
  }
}

// True: frame_ is one to look at. False: the walk has moved, look again.
bool SegmentWalk::take(const FrameHeader& header, std::span<const std::byte> frame) {
  const std::size_t whole = round_up(header.size, kBlockSize);
  if (!salvaging_) {
    if (check_frame(header, frame) != FrameHealth::good) {
      if (!doubt()) pass_over(whole);
      return false;
    }
    if (gap_) {
      begin_salvage(position_, "frames between valid ones do not verify");
      return false;
    }
    if (!after_gap_ && header.previous_crc != previous_crc_)
      damages_.push_back(
          {facts_.number, position_, 0, false, "the frame before this one is not the one it follows", {}});
    after_gap_ = false;
    previous_crc_ = header.header_crc;
    end_ = position_ + whole;
  }
  ours_in_gap_ = false;
  header_ = header;
  frame_ = frame;
  offset_ = position_;
  position_ += whole;
  return true;
}

// At the limit. False: there is damage to go back to first.
bool SegmentWalk::finish() {
  if (gap_ && facts_.sealed) {
    begin_salvage(facts_.limit, "frames before the end of a sealed segment do not verify");
    return false;
  }
  if (gap_ && ours_in_gap_)
    damages_.push_back({facts_.number, *gap_, 0, true, "the last frame was not written whole", {}});
  if (facts_.sealed) end_ = facts_.limit;
  return true;
}

void SegmentWalk::begin_salvage(std::uint64_t until, const char* why) {
  damages_.push_back({facts_.number, *gap_, until - *gap_, false, why, {}});
  position_ = *gap_;
  gap_.reset();
  salvaging_ = true;
  salvage_until_ = until;
  end_ = std::max(end_, until);
}

}  // namespace ringpost::journal
