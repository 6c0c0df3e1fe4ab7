// The memory in which frames are built, and which afterwards is the cache of what was written last.
//
// Layer: durable, private. Owner: one log.
// Reuse: the buffer whose turn is longest ago, among those that nobody pins and that hold no unwritten frame.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "ringpost/io/backend.hpp"
#include "ringpost/journal/records.hpp"

#include "aligned_memory.hpp"

namespace ringpost::journal {

class CommitBuffers;

// One buffer. Its frames stand one behind the other, and mostly so in one segment: an extent says which part of it is
// the copy of which part of which segment.
class CommitBuffer {
 public:
  struct Extent {
    std::uint32_t segment = 0;
    std::uint32_t file_offset = 0;
    std::uint32_t buffer_offset = 0;
    std::uint32_t size = 0;
  };

  std::byte* data() const { return data_; }
  std::int32_t index() const { return index_; }
  std::size_t room() const { return kBufferSize - used_; }
  std::uint32_t used() const { return used_; }
  bool has_extent_room() const { return extent_count_ < extents_.size(); }

  void begin_frame() { ++unwritten_; }
  void end_frame() { --unwritten_; }
  // [used, used + size) is now a copy of the segment from file_offset.
  void extend(std::uint32_t segment, std::uint32_t file_offset, std::uint32_t size);
  void release();  // a pin ends

 private:
  friend class CommitBuffers;
  bool reusable() const { return pins_ == 0 && unwritten_ == 0; }
  std::span<const std::byte> find(Location where) const;

  CommitBuffers* owner_ = nullptr;
  std::byte* data_ = nullptr;
  std::int32_t index_ = -1;
  std::uint32_t used_ = 0;  // a multiple of the block
  std::uint32_t pins_ = 0;
  std::uint32_t unwritten_ = 0;
  std::uint64_t turn_ = 0;
  std::array<Extent, 8> extents_{};
  std::size_t extent_count_ = 0;
};

class CommitBuffers {
 public:
  CommitBuffers(Bytes memory, io::Backend& backend);
  ~CommitBuffers();
  CommitBuffers(const CommitBuffers&) = delete;
  CommitBuffers& operator=(const CommitBuffers&) = delete;

  // The oldest one that can be reused, emptied; null when there is none.
  CommitBuffer* take();
  bool can_take() const;
  // The buffer with these bytes and the bytes, or nothing.
  struct Hot {
    CommitBuffer* buffer = nullptr;
    std::span<const std::byte> bytes;
  };
  Hot find(Location where);
  bool hold_some_of(std::uint32_t segment) const;
  bool may_pin(const CommitBuffer& buffer) const { return buffer.pins_ != 0 || pinned_ < pinned_max_; }
  void pin(CommitBuffer& buffer);
  void forget(std::uint32_t segment);  // its bytes on disk mean nothing any more

  std::size_t count() const { return buffers_.size(); }
  std::size_t pinned() const { return pinned_; }
  // Called when a pin has ended that kept a buffer from reuse.
  void on_unpinned(void (*call)(void*), void* argument) { call_ = call, argument_ = argument; }

 private:
  friend class CommitBuffer;
  CommitBuffer* oldest() const;

  AlignedMemory memory_;
  std::vector<std::unique_ptr<CommitBuffer>> buffers_;
  std::size_t pinned_ = 0;
  std::size_t pinned_max_;
  std::uint64_t turn_ = 0;
  void (*call_)(void*) = nullptr;
  void* argument_ = nullptr;
};

}  // namespace ringpost::journal
