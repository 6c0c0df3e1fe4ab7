// The segments of one log: which are free, what counts in each, and which must outlive which.
//
// Layer: durable, private, without I/O. Owner: one log.
// Pins:  a segment N with a record that negates one of segment T has N.pins[T] > 0 and is not freed while that is so.
//        Counts, not records: which records those are is found by reading N when it is to be emptied.
// Copies: a segment whose records were copied to a cold one is not freed before damage of the copies would be told.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "ringpost/io/backend.hpp"
#include "ringpost/journal/format.hpp"
#include "ringpost/journal/log.hpp"

#include "index_table.hpp"
#include "segment_walk.hpp"

namespace ringpost::journal {

inline constexpr unsigned kSealAttempts = 3;

struct Segment {
  enum class Use : std::uint8_t {
    lost,       // unreadable, or a header could not be written: kept away from everything
    free,       // its header on disk says so
    preparing,  // its header is being written
    prepared,   // open on disk, no frame yet
    current,    // frames go here
    closed,     // no frame will follow
    freeing,    // its header is being written
  };
  static constexpr std::size_t kUses = 7;
  enum class Rewrite : std::uint8_t { none, open, seal, free };
  struct PinCount {
    std::uint32_t target = 0;
    std::uint32_t count = 0;
  };
  // Frames of a cold segment, up to one.
  struct Copies {
    std::uint32_t segment = 0;
    std::uint64_t sequence = 0;  // of this use of it
    std::uint64_t frame = 0;
  };

  std::uint32_t shard = 0;
  std::uint32_t number = 0;
  io::File file;
  Use use = Use::lost;              // written by SegmentTable::set_use alone, as `stream` is
  Rewrite rewrite = Rewrite::none;  // under way, or waiting for its turn
  unsigned stream = 0;              // whose frames it holds, or is made ready for
  bool orphan = false;
  bool unread = false;       // recovery has not come to it: nobody knows where it ends or what counts
  bool sealed = false;       // on disk too
  bool voided = false;       // frames behind its end count for nothing, and its header does not say so yet
  bool holds_voids = false;  // the record in its first frame says so of frames of others
  bool kept = false;         // a part, or what belongs to it, could not be read: never freed in this run
  bool found_open = false;   // of an earlier run: its header shall say where it ends
  SegmentHeader header;      // as on disk, except while it is rewritten
  std::uint64_t size = 0;
  std::uint64_t end = kFirstFrame;  // of the last good frame
  std::uint32_t previous_crc = 0;
  std::uint32_t unwritten = 0;        // frames on their way to it, and its table
  std::unique_ptr<IndexTable> table;  // of its frames, until it is on disk; none: there will be none
  std::uint32_t table_size = 0;       // on disk, behind `end`
  std::uint64_t put_bytes = 0;        // of all records, since it was opened
  std::uint64_t live_bytes = 0;
  std::uint64_t live_records = 0;
  std::uint32_t readers = 0;
  std::uint64_t quiet_after = 0;   // the frame that must be settled before it may be freed
  std::uint64_t newest_frame = 0;  // the last good one that was written to it
  std::vector<PinCount> pins;
  std::vector<Copies> copies;  // where its records stand too, as long as damage there may go without a word
  Instant closed_at;
  Instant not_before;              // emptying it was tried and did not work
  std::optional<Instant> left_at;  // emptying it was tried, and its owner left something there
  unsigned failed_seals = 0;       // its header could not be written, so often in a row
  Instant seal_not_before;

  SegmentWalk::Facts walk_facts() const {
    return {.number = number,
            .salt = header.salt,
            .epoch = header.epoch,
            .limit = end,
            .sealed = true,
            .tagged = header.version != 1};
  }
  // Its header could not be written, and will not be. Others wait for its end, and its last frame is in danger: all that lives in
  // it goes elsewhere.
  bool is_endless() const { return failed_seals >= kSealAttempts; }
  bool holds_frames() const { return use == Use::current || use == Use::closed || use == Use::freeing; }
};

inline constexpr std::uint32_t kNoSegment = ~std::uint32_t{0};
inline constexpr std::uint32_t kElsewhere =
    kNoSegment - 1;  // the target of a pin that another core's log holds

class SegmentTable {
 public:
  std::uint32_t add(Segment segment);  // gives its index
  Segment& operator[](std::uint32_t index) { return *segments_[index]; }
  const Segment& operator[](std::uint32_t index) const { return *segments_[index]; }
  std::uint32_t size() const { return static_cast<std::uint32_t>(segments_.size()); }

  void set_use(std::uint32_t index, Segment::Use use) { set_use(index, use, segments_[index]->stream); }
  void set_use(std::uint32_t index, Segment::Use use, unsigned stream);
  // Of the own shard.
  std::size_t count(Segment::Use use, unsigned stream) const {
    return counts_[static_cast<std::size_t>(use)][stream];
  }

  std::uint32_t find(std::uint32_t shard, std::uint32_t number) const;
  bool has_shard(std::uint32_t shard) const;
  void add_shard(std::uint32_t shard) { shards_.push_back(shard); }
  std::uint32_t next_number() const { return next_number_; }  // for a new file of the own shard

  void add_live(Location where);
  void drop_live(Location where, std::uint64_t quiet_after);
  std::uint64_t live_bytes() const { return live_bytes_; }

  // The index of the segment that `name` names while it is in use; kElsewhere for a shard that is not held here.
  std::uint32_t target_of(const SegmentName& name) const;
  void add_pin(std::uint32_t segment, std::uint32_t target);
  void drop_pins_to(std::uint32_t target);
  // Records of `from` stand in `to` as well, in frames up to that one.
  void add_copies(std::uint32_t from, std::uint32_t to, std::uint64_t frame);

 private:
  static std::uint64_t key(std::uint32_t shard, std::uint32_t number) {
    return std::uint64_t{shard} << 32 | number;
  }
  std::size_t& count_of(const Segment& segment) {
    return counts_[static_cast<std::size_t>(segment.use)][segment.stream];
  }
  std::vector<std::unique_ptr<Segment>> segments_;
  std::array<std::array<std::size_t, kStreams>, Segment::kUses> counts_{};
  std::unordered_map<std::uint64_t, std::uint32_t> by_number_;
  std::vector<std::uint32_t> shards_;
  std::uint32_t next_number_ = 1;
  std::uint64_t live_bytes_ = 0;
};

}  // namespace ringpost::journal
