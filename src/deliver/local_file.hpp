// Files as deliveries need them: owned descriptors, writes that are whole or an error, errors as replies.
//
// Layer: services, private. Blocking.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include <unistd.h>

#include "ringpost/base/result.hpp"

#include "local_order.hpp"

namespace ringpost::deliver {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int value) : value_(value) {}
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~Descriptor() { reset(); }
  explicit operator bool() const { return value_ >= 0; }
  int get() const { return value_; }
  int release() { return std::exchange(value_, -1); }
  void reset() {
    if (value_ >= 0) ::close(value_);
    value_ = -1;
  }

 private:
  int value_ = -1;
};

// All of it, or errno; 0 is success.
int write_all(int file, std::string_view bytes);
// 0 or errno.
int sync_directory(const std::string& path);
// Makes the folder and those above it that are missing, mode 0700, each durable in the one above. 0 or errno.
int make_directories(const std::string& path);

// A failed system call as the sender may hear of it, always temporary: quota 4.2.2, full disk 4.3.1, rights 4.3.5,
// trouble 4.3.0. `doing` names the path.
DeliveryOutcome defer_system(int error, std::string_view doing);

// The message as a mailbox holds it, chunk by chunk, with LF line ends: Return-Path, X-Original-To (when it differs),
// Delivered-To, then the body. Stops when `write` returns an errno, and returns that; 0 is success.
using WriteChunk = std::function<int(std::string_view)>;
std::string trace_fields(const DeliveryOrder& order);
int write_message(const DeliveryOrder& order, Pieces body, const WriteChunk& write);

}  // namespace ringpost::deliver
