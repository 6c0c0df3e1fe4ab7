// A connected Unix socket that carries lines, with a deadline on each side. For both ends of the control endpoint.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "ringpost/base/result.hpp"
#include "ringpost/base/units.hpp"

namespace ringpost::admin {

class LineSocket {
 public:
  explicit LineSocket(int descriptor) : descriptor_(descriptor) {}
  LineSocket(LineSocket&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), pending_(std::move(other.pending_)) {}
  LineSocket& operator=(LineSocket&&) = delete;
  ~LineSocket();

  // The descriptor, which is the caller's from now on; what was read behind the last line is in take_pending().
  int release() { return std::exchange(descriptor_, -1); }
  std::string take_pending() { return std::exchange(pending_, {}); }

  // Connects; the error's `system` is an errno.
  static Result<LineSocket> connect_to(const std::string& path);

  // Without its end. Errors: timed_out, closed (the other side ended before the line did), exhausted (longer than `max`).
  // `stop`: a descriptor that becomes readable when waiting is to end (error cancelled), or -1.
  Result<std::string> read_line(std::size_t max, Duration timeout, int stop = -1);
  // The other side has ended, or `stop` is readable. Does not wait.
  bool gone(int stop) const;
  Result<void> write_all(std::string_view bytes, Duration timeout, int stop = -1);

 private:
  int descriptor_;
  std::string pending_;
};

// permanent when the path is too long for a socket (107 bytes).
Result<void> connect_unix(int descriptor, const std::string& path);
Result<void> bind_unix(int descriptor, const std::string& path);

}  // namespace ringpost::admin
