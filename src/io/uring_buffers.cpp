#include "uring_buffers.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>

#include <sys/mman.h>

#include "ringpost/base/assert.hpp"

namespace ringpost::io {

namespace {

constexpr std::uint64_t kCountMax = 32768;  // the kernel's
constexpr std::uint64_t kSizeMin = 512;

void* map(std::size_t size) {
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

}  // namespace

Result<std::unique_ptr<ReceiveBuffers>> ReceiveBuffers::make(Ring& ring, Bytes total, Bytes each, Kind kind) {
  const std::uint64_t size = std::clamp<std::uint64_t>(each.count, kSizeMin, 1U << 30);
  const std::uint64_t count = std::bit_floor(std::clamp<std::uint64_t>(total.count / size, 1, kCountMax));
  std::unique_ptr<ReceiveBuffers> buffers(
      new ReceiveBuffers(static_cast<std::uint32_t>(count), static_cast<std::uint32_t>(size), kind));
  buffers->memory_ = static_cast<std::byte*>(map(count * size));
  buffers->offers_ = static_cast<io_uring_buf*>(map(count * sizeof(io_uring_buf)));
  if (buffers->memory_ == nullptr || buffers->offers_ == nullptr)
    return fail(ErrorKind::exhausted, "io_uring: no memory for the receive buffers");
  io_uring_buf_reg request{};
  request.ring_addr = reinterpret_cast<std::uint64_t>(buffers->offers_);
  request.ring_entries = static_cast<std::uint32_t>(count);
  request.bgid = kGroup;
  request.pad = kind == Kind::incremental ? extra::kBufferRingIncremental : std::uint16_t{0};
  if (const int result = ring.register_call(IORING_REGISTER_PBUF_RING, &request, 1); result < 0)
    return fail_system(-result, "io_uring: register the receive buffers");
  buffers->filled_.resize(count);
  buffers->used_up_.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) buffers->offer(static_cast<std::uint16_t>(i));
  buffers->publish();
  return buffers;
}

ReceiveBuffers::~ReceiveBuffers() {
  if (memory_ != nullptr) ::munmap(memory_, std::size_t{count_} * size_);
  if (offers_ != nullptr) ::munmap(offers_, std::size_t{count_} * sizeof(io_uring_buf));
}

std::span<const std::byte> ReceiveBuffers::take(const io_uring_cqe& completion) {
  const auto buffer = static_cast<std::uint16_t>(completion.flags >> IORING_CQE_BUFFER_SHIFT);
  RP_ASSERT(buffer < count_);
  const auto length = static_cast<std::uint32_t>(std::max(completion.res, 0));
  const std::byte* bytes = memory_ + std::size_t{buffer} * size_ + filled_[buffer];
  filled_[buffer] += length;
  RP_ASSERT(filled_[buffer] <= size_);
  if (kind_ == Kind::classic || (completion.flags & extra::kCompletionBufferMore) == 0)
    used_up_.push_back(buffer);
  return {bytes, length};
}

void ReceiveBuffers::recycle() {
  if (used_up_.empty()) return;
  taken_max_ = std::max(taken_max_, static_cast<std::uint32_t>(used_up_.size()));
  for (const std::uint16_t buffer : used_up_) offer(buffer);
  used_up_.clear();
  publish();
}

void ReceiveBuffers::offer(std::uint16_t buffer) {
  filled_[buffer] = 0;
  io_uring_buf& place = offers_[tail_++ & (count_ - 1)];
  place.addr = reinterpret_cast<std::uint64_t>(memory_ + std::size_t{buffer} * size_);
  place.len = size_;
  place.bid = buffer;
}

// The tail is laid over the spare field of the first element.
void ReceiveBuffers::publish() {
  __atomic_store_n(&offers_[0].resv, tail_, __ATOMIC_RELEASE);
}

}  // namespace ringpost::io
