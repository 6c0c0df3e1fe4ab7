#include "kernel_backend.hpp"

#include <cerrno>
#include <ctime>

#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "ringpost/base/assert.hpp"

namespace ringpost::io {

namespace {

std::int64_t nanoseconds(clockid_t clock) {
  timespec time{};
  ::clock_gettime(clock, &time);
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

// Blocking, because io_uring waits on it; epoll reads it only after it was told that it has rung.
Doorbell::Doorbell() : descriptor_(::eventfd(0, EFD_CLOEXEC)) {}

Doorbell::~Doorbell() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void Doorbell::ring() noexcept {
  if (rung_.exchange(true, std::memory_order_seq_cst)) return;
  const std::uint64_t one = 1;
  // Cannot fail and cannot block: the counter is far from its end.
  [[maybe_unused]] const auto written = ::write(descriptor_, &one, sizeof one);
}

KernelBackend::KernelBackend(std::string_view name, posix::Blocking blocking) : blocking_(blocking) {
  description_.name = name;
  description_.kernel = kernel_release();
}

Instant KernelBackend::now() {
  return {Duration{nanoseconds(CLOCK_MONOTONIC)}};
}

WallTime KernelBackend::wall_now() {
  return {nanoseconds(CLOCK_REALTIME)};
}

Duration KernelBackend::thread_time() {
  return Duration{nanoseconds(CLOCK_THREAD_CPUTIME_ID)};
}

std::uint64_t KernelBackend::random() {
  if (random_left_ == 0) {
    // Not more than 256 bytes: never interrupted, never short (getrandom(2)).
    const auto count = ::getrandom(random_.data(), sizeof random_, 0);
    RP_ASSERT(count == static_cast<ssize_t>(sizeof random_));
    random_left_ = random_.size();
  }
  return random_[--random_left_];
}

std::string kernel_release() {
  utsname names{};
  return ::uname(&names) == 0 ? names.release : "unknown";
}

}  // namespace ringpost::io
