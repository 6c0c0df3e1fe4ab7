// A descriptor that is closed with its owner.
//
// Layer: services, private.
#pragma once

#include <utility>

#include <unistd.h>

namespace ringpost::inject {

class FileHandle {
 public:
  explicit FileHandle(int value = -1) : value_(value) {}
  FileHandle(FileHandle&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  FileHandle& operator=(FileHandle&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~FileHandle() {
    if (value_ >= 0) ::close(value_);
  }
  explicit operator bool() const { return value_ >= 0; }
  int get() const { return value_; }

 private:
  int value_;
};

}  // namespace ringpost::inject
