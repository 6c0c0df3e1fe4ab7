// Memory on block boundaries, as O_DIRECT wants it.
//
// Layer: durable, private.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <span>

#include "ringpost/journal/limits.hpp"

namespace ringpost::journal {

class AlignedMemory {
 public:
  explicit AlignedMemory(std::size_t size)
      : data_(static_cast<std::byte*>(::operator new(size, std::align_val_t{kBlockSize}))), size_(size) {}

  std::span<std::byte> bytes() const { return {data_.get(), size_}; }
  std::byte* data() const { return data_.get(); }

 private:
  struct Free {
    void operator()(std::byte* data) const { ::operator delete(data, std::align_val_t{kBlockSize}); }
  };
  std::unique_ptr<std::byte, Free> data_;
  std::size_t size_;
};

}  // namespace ringpost::journal
