#include "commit_buffers.hpp"

#include <algorithm>
#include <cstring>

#include "ringpost/base/assert.hpp"
#include "ringpost/journal/limits.hpp"

namespace ringpost::journal {

namespace {

std::size_t buffer_count(Bytes memory) {
  return std::max<std::size_t>(static_cast<std::size_t>(memory.count / kBufferSize), kBuffersMin);
}

}  // namespace

void CommitBuffer::extend(std::uint32_t segment, std::uint32_t file_offset, std::uint32_t size) {
  RP_ASSERT(size <= room());
  Extent* last = extent_count_ == 0 ? nullptr : &extents_[extent_count_ - 1];
  if (last != nullptr && last->segment == segment && last->file_offset + last->size == file_offset) {
    last->size += size;
  } else {
    RP_ASSERT(has_extent_room());
    extents_[extent_count_++] = {segment, file_offset, used_, size};
  }
  used_ += size;
}

std::span<const std::byte> CommitBuffer::find(Location where) const {
  for (const Extent& extent : std::span(extents_).first(extent_count_)) {
    if (extent.segment != where.segment || where.offset < extent.file_offset) continue;
    if (where.offset + where.size > extent.file_offset + extent.size) continue;
    return {data_ + extent.buffer_offset + (where.offset - extent.file_offset), where.size};
  }
  return {};
}

void CommitBuffer::release() {
  RP_ASSERT(pins_ > 0);
  if (--pins_ != 0) return;
  --owner_->pinned_;
  if (owner_->call_ != nullptr) owner_->call_(owner_->argument_);
}

CommitBuffers::CommitBuffers(Bytes memory, io::Backend& backend)
    : memory_(buffer_count(memory) * kBufferSize) {
  std::vector<iovec> registered;
  for (std::size_t i = 0; i < buffer_count(memory); ++i) {
    auto buffer = std::make_unique<CommitBuffer>();
    buffer->owner_ = this;
    buffer->data_ = memory_.data() + i * kBufferSize;
    buffer->index_ = static_cast<std::int32_t>(i);
    registered.push_back({buffer->data_, kBufferSize});
    buffers_.push_back(std::move(buffer));
  }
  // Writing must go on whatever the readers do.
  pinned_max_ = buffers_.size() - std::max<std::size_t>(kBuffersMin - 1, buffers_.size() / 4);
  backend.register_buffers(registered);
}

CommitBuffers::~CommitBuffers() {
  RP_ASSERT(pinned_ == 0);
}

CommitBuffer* CommitBuffers::oldest() const {
  CommitBuffer* found = nullptr;
  for (const auto& buffer : buffers_)
    if (buffer->reusable() && (found == nullptr || buffer->turn_ < found->turn_)) found = buffer.get();
  return found;
}

bool CommitBuffers::can_take() const {
  return oldest() != nullptr;
}

CommitBuffer* CommitBuffers::take() {
  CommitBuffer* buffer = oldest();
  if (buffer == nullptr) return nullptr;
  buffer->used_ = 0;
  buffer->extent_count_ = 0;
  buffer->turn_ = ++turn_;
  return buffer;
}

CommitBuffers::Hot CommitBuffers::find(Location where) {
  for (const auto& buffer : buffers_)
    if (const auto bytes = buffer->find(where); bytes.data() != nullptr) return {buffer.get(), bytes};
  return {};
}

bool CommitBuffers::hold_some_of(std::uint32_t segment) const {
  return std::ranges::any_of(buffers_, [&](const auto& buffer) {
    return std::ranges::any_of(std::span(buffer->extents_).first(buffer->extent_count_),
                               [&](const CommitBuffer::Extent& extent) { return extent.segment == segment; });
  });
}

void CommitBuffers::pin(CommitBuffer& buffer) {
  if (buffer.pins_++ == 0) ++pinned_;
}

void CommitBuffers::forget(std::uint32_t segment) {
  for (const auto& buffer : buffers_)
    for (auto& extent : std::span(buffer->extents_).first(buffer->extent_count_))
      if (extent.segment == segment) extent.size = 0;
}

}  // namespace ringpost::journal
