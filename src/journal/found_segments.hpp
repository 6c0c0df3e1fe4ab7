// The segment files of one shard, as they are found at start or by who only looks.
//
// Layer: durable, private. Blocking.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ringpost/io/backend.hpp"
#include "ringpost/journal/format.hpp"
#include "ringpost/journal/records.hpp"

#include "aligned_memory.hpp"
#include "segment_walk.hpp"

namespace ringpost::journal {

struct FoundSegment {
  std::uint32_t number = 0;
  io::File file;           // without a handle when it is lost and cannot be opened
  std::uint64_t size = 0;  // of the file, down to a block
  std::uint64_t cut = 0;   // bytes that the file once had behind these
  // The newest valid one, or what its first frame told when both slots are lost.
  SegmentHeader header;
  bool header_lost = false;     // `header` is what the first frame told
  bool lost = false;            // nothing in it can be read, or may be: keep it away from everything
  std::uint64_t void_from = 0;  // set by walking: where voided frames begin, or 0
  std::uint64_t end = kFirstFrame;
  bool holds_voids = false;  // set by collect_voids
  bool unused = false;       // set by walking an open one: no frame at all, not even a torn one

  SegmentState state() const { return static_cast<SegmentState>(header.state); }
  bool has_frames() const { return !lost && !unused && state() != SegmentState::free; }
  SegmentWalk::Facts walk_facts() const;
};

// All of `into`, or false.
bool has_all(io::Files& files, io::Handle file, std::span<std::byte> into, std::uint64_t offset);
// Reads what the walk wants into the window; true when there is a frame.
bool next_frame(io::Files& files, io::Handle file, SegmentWalk& walk, const AlignedMemory& window);

std::string segment_path(const std::string& directory, std::uint32_t number);

// Opens them; those with frames come first, in the order of recovery: of streams behind the first one before all others, then
// as they were written. On an error none stays open.
// `unfinished` gets the numbers of files whose making a crash ended.
// What is wrong with a file itself goes into the report here, so that the server and all tools say the same of it.
Result<std::vector<FoundSegment>> find_segments(io::Files& files, const ShardPlace& place, bool write,
                                                RecoveryReport& report, std::vector<std::string>* unfinished);
void close_segments(io::Files& files, const std::vector<FoundSegment>& segments);

// Reads what a frame at the head of a segment says about failed frames of earlier ones.
std::vector<VoidRange> collect_voids(io::Files& files, std::span<FoundSegment> segments,
                                     const AlignedMemory& window);
bool is_void(std::span<const VoidRange> voids, std::uint32_t segment, const FrameHeader& frame);
std::vector<VoidRange> voids_in(std::span<const std::byte> payload);

// Calls `visit` for every record of one frame. A damaged frame gives those that verify; the others are added to the
// report. Location::segment is `segment`.
struct FramePlace {
  unsigned shard = 0;
  std::uint32_t segment = 0;  // for Location
  std::uint32_t number = 0;   // for the report
  std::uint64_t sequence = 0;
};
void visit_records(const SegmentWalk& walk, const FramePlace& place,
                   const std::function<void(const RecordView&)>& visit, RecoveryReport& report);
std::uint64_t order_of(std::uint32_t epoch, std::uint64_t commit_sequence);
std::uint64_t order_of(const FrameHeader& frame);

// Who takes part in a recovery.
struct RecoveryVisitor {
  std::function<void(const RecordView&)> visit;
  std::function<void(MessageId)> ahead;  // or none: hears the ids of records some steps before
};

// Every record of a sealed segment, from its index table, in steps.
class SegmentTableRead {
 public:
  SegmentTableRead();
  ~SegmentTableRead();
  // Whether the segment says that it has one that may be used.
  static bool should_be(const FoundSegment& found, std::span<const VoidRange> voids);
  // Blocks; touches nothing else, so any thread may do it. False: it cannot be read, or does not verify.
  bool load(io::Files& files, const FoundSegment& found);
  // The next `count` records; false: that was all.
  bool visit_some(io::Files& files, const FoundSegment& found, const FramePlace& place,
                  const RecoveryVisitor& visitor, std::size_t count, RecoveryReport& report);
  bool missed_blocks() const {
    return missed_blocks_;
  }  // a record that the table does not hold could not be read

 private:
  struct Bytes;
  void look_ahead(const RecoveryVisitor& visitor);
  std::unique_ptr<Bytes> bytes_;
  std::size_t begun_ = 0;  // steps that the look ahead is ahead
  bool missed_blocks_ = false;
};

// Who only looks reads the frames, and says of a table whether recovery could have used it. Where frames are damaged it
// tells whose records were in them; `found_offsets` are those that were found.
void check_table(io::Files& files, const FoundSegment& found, std::vector<std::uint32_t>& found_offsets,
                 bool some_lost, RecoveryReport& report);

// One frame of a walk, unless it is void; and what is to be noted at its end.
void visit_frame(const SegmentWalk& walk, FoundSegment& found, const FramePlace& place,
                 std::span<const VoidRange> voids, const std::function<void(const RecordView&)>& visit,
                 RecoveryReport& report);
void end_walk(SegmentWalk& walk, FoundSegment& found, RecoveryReport& report);

// Every record of one segment, voided frames left out. Sets `end`, `void_from` and `unused`.
void walk_segment(io::Files& files, FoundSegment& found, const FramePlace& place,
                  std::span<const VoidRange> voids, const AlignedMemory& window,
                  const std::function<void(const RecordView&)>& visit, RecoveryReport& report);

}  // namespace ringpost::journal
