// Bytes that wait: appended at the back, taken from the front, and no memory kept while there are none.
//
// Layer: pure.  Owner: a Session.  Limits: the caller's; kIdleBufferBytes are kept.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "ringpost/base/assert.hpp"
#include "ringpost/tls/limits.hpp"

namespace ringpost::tls {

class ByteQueue {
 public:
  bool empty() const { return head_ == bytes_.size(); }
  std::size_t size() const { return bytes_.size() - head_; }
  // Valid until append or the consume that empties it.
  std::span<const std::byte> front() const { return std::span(bytes_).subspan(head_); }

  void append(std::span<const std::byte> more) {
    // Moving the rest down is cheaper than growing, and keeps what is consumed from piling up.
    if (head_ > 0 && bytes_.size() + more.size() > bytes_.capacity()) drop_consumed();
    bytes_.insert(bytes_.end(), more.begin(), more.end());
  }

  void consume(std::size_t count) {
    RP_ASSERT(count <= size());
    head_ += count;
    if (!empty()) return;
    head_ = 0;
    bytes_.clear();
    if (bytes_.capacity() > kIdleBufferBytes) std::vector<std::byte>().swap(bytes_);
  }

 private:
  void drop_consumed() {
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(head_));
    head_ = 0;
  }

  std::vector<std::byte> bytes_;
  std::size_t head_ = 0;
};

}  // namespace ringpost::tls
