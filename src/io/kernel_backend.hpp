// What uring and epoll have in common: sockets and files are set up by ordinary calls, clocks and randomness
// come from the kernel, and an eventfd wakes the thread.
//
// Layer: io, private. Owner: one core.
#pragma once

#include <array>
#include <atomic>

#include "ringpost/io/backend.hpp"

#include "posix_files.hpp"
#include "posix_sockets.hpp"

namespace ringpost::io {

// Other threads ring it, the core's thread waits on its descriptor.
class Doorbell {
 public:
  Doorbell();
  ~Doorbell();
  Doorbell(const Doorbell&) = delete;
  Doorbell& operator=(const Doorbell&) = delete;
  int descriptor() const { return descriptor_; }  // -1: the process has no descriptor left
  // Rings unless it has rung already. Any thread.
  void ring() noexcept;
  // The owner has seen it ring; what is rung from now on rings again.
  void seen() noexcept { rung_.store(false, std::memory_order_seq_cst); }

 private:
  int descriptor_;
  std::atomic<bool> rung_{false};
};

class KernelBackend : public Backend {
 public:
  void wake() noexcept final { bell_.ring(); }
  Result<Handle> listen(const Endpoint& where, const ListenOptions& options) final {
    return posix::listen(where, options, blocking_);
  }
  Result<Handle> open_socket(const Endpoint& to, const std::optional<Endpoint>& from) final {
    return posix::open_stream(to, from, blocking_);
  }
  Result<Handle> adopt(int descriptor) final { return posix::adopt(descriptor, blocking_); }
  Endpoint local_endpoint(Handle socket) final { return posix::local_endpoint(socket); }
  Endpoint peer_endpoint(Handle socket) final { return posix::peer_endpoint(socket); }
  Files& files() final { return files_; }
  Instant now() final;
  WallTime wall_now() final;
  Duration thread_time() final;
  std::uint64_t random() final;
  const Description& describe() const final { return description_; }

 protected:
  KernelBackend(std::string_view name, posix::Blocking blocking);
  Doorbell bell_;
  Description description_;

 private:
  posix::Blocking blocking_;
  PosixFiles files_;
  std::array<std::uint64_t, 32> random_{};
  std::size_t random_left_ = 0;
};

std::string kernel_release();

}  // namespace ringpost::io
