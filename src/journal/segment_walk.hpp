// Finds the frames of one segment, and tells a torn tail from bit rot.
//
// Layer:  durable, private, without I/O: the owner reads what it asks for, blocking or not.
// States: step() says `need` (give() the bytes of want_offset, want_size), `frame` (look at it) or `done`.
// Rot:    a place without a valid frame that has a later valid frame of the same salt behind it, or lies before the end
//         of a sealed segment. The walk goes back over it and hands it out as loose bytes, in which records are found by
//         their tags; of version 1, as those frames that have at least a valid header.
// Doubt:  where frames stop to verify, the bytes are asked for a second time before that counts: the first reading may
//         have been wrong.
// Tail:   such a place with nothing valid behind it is where the writing stopped.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ringpost/journal/format.hpp"
#include "ringpost/journal/records.hpp"

namespace ringpost::journal {

class SegmentWalk {
 public:
  struct Facts {
    std::uint32_t number = 0;
    std::uint64_t salt = 0;
    std::uint32_t epoch = 0;  // of its frames
    std::uint64_t limit = 0;  // bytes of the file to look at
    bool sealed = false;      // every byte up to the limit belongs to a frame
    bool tagged = true;       // records have tags
  };
  enum class Step : std::uint8_t { need, frame, done };

  explicit SegmentWalk(const Facts& facts) : facts_(facts) { header_.epoch = facts.epoch; }

  Step step();

  // After `need`. The bytes stay valid until the next `need`.
  std::uint64_t want_offset() const { return position_; }
  std::size_t want_size() const { return want_size_; }
  void give(std::span<const std::byte> bytes);  // may be short at the end of the file
  void unreadable(std::uint64_t offset);        // zeros stand for this block in what will be given

  // After `frame`, until the next step. Records of a damaged frame are each to be checked. Of loose bytes the header is
  // that of the last good frame, and records begin anywhere in the first loose_size() bytes.
  const FrameHeader& header() const { return header_; }
  bool loose() const { return loose_size_ != 0; }
  std::size_t loose_size() const { return loose_size_; }
  std::uint64_t salt() const { return facts_.salt; }
  std::span<const std::byte> frame() const { return frame_; }
  std::uint64_t offset() const { return offset_; }
  bool damaged() const { return salvaging_; }

  // After `done`: where the last frame ends.
  std::uint64_t end() const { return end_; }
  std::vector<Damage>& damages() { return damages_; }
  bool missed_blocks() const { return missed_blocks_; }  // some could not be read, at least once

 private:
  bool has(std::size_t size) const;
  Step ask(std::size_t size);
  std::span<const std::byte> here(std::size_t size) const;
  std::optional<FrameHeader> header_here();
  void pass_over(std::size_t size);
  bool doubt();
  Step take_loose();
  bool take(const FrameHeader& header, std::span<const std::byte> frame);
  bool finish();
  void begin_salvage(std::uint64_t until, const char* why);

  Facts facts_;
  std::uint64_t position_ = kFirstFrame;
  std::uint64_t window_offset_ = 0;
  std::span<const std::byte> window_;
  std::size_t want_size_ = 0;
  std::optional<std::uint64_t> gap_;  // where the frames stopped to verify
  std::uint64_t doubted_ = 0;         // the place that was read a second time
  bool ours_in_gap_ = false;          // a header with our salt stands in it: something was torn
  bool missed_blocks_ = false;
  bool salvaging_ = false;
  std::uint64_t salvage_until_ = 0;
  bool after_gap_ = false;
  std::size_t loose_size_ = 0;
  std::uint32_t previous_crc_ = 0;
  std::uint64_t end_ = kFirstFrame;
  std::uint64_t offset_ = 0;
  FrameHeader header_;
  std::span<const std::byte> frame_;
  std::vector<Damage> damages_;
};

}  // namespace ringpost::journal
