#include "line_socket.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace ringpost::admin {

namespace {

using Clock = std::chrono::steady_clock;

Result<sockaddr_un> unix_address(const std::string& path) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  if (path.empty() || path.size() >= sizeof(address.sun_path))
    return fail(ErrorKind::permanent,
                "\"" + path + "\" is too long for a socket; use a path of at most 107 characters");
  std::memcpy(address.sun_path, path.data(), path.size());
  return address;
}

Result<void> wait_for(int descriptor, short events, Clock::time_point until, int stop) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    if (left <= 0) return fail(ErrorKind::timed_out, "no answer in time");
    std::array<pollfd, 2> entries{{{descriptor, events, 0}, {stop, POLLIN, 0}}};
    const int count =
        poll(entries.data(), stop < 0 ? 1 : 2, static_cast<int>(std::min<std::int64_t>(left, 1'000'000)));
    if (count < 0 && errno != EINTR) return fail_system(errno, "poll");
    if (count > 0 && entries[1].revents != 0) return fail(ErrorKind::cancelled, "ending");
    if (count > 0) return {};
  }
}

}  // namespace

Result<void> connect_unix(int descriptor, const std::string& path) {
  const sockaddr_un address = RP_TRY(unix_address(path));
  if (connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) return {};
  return fail_system(errno, "connect");
}

Result<void> bind_unix(int descriptor, const std::string& path) {
  const sockaddr_un address = RP_TRY(unix_address(path));
  if (bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) return {};
  return fail_system(errno, path);
}

LineSocket::~LineSocket() {
  if (descriptor_ >= 0) close(descriptor_);
}

Result<LineSocket> LineSocket::connect_to(const std::string& path) {
  const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return fail_system(errno, "socket");
  LineSocket line(descriptor);
  RP_CHECK(connect_unix(descriptor, path));
  return line;
}

Result<std::string> LineSocket::read_line(std::size_t max, Duration timeout, int stop) {
  const auto until = Clock::now() + timeout;
  std::size_t seen = 0;
  for (;;) {
    if (const std::size_t end = pending_.find('\n', seen); end != std::string::npos && end <= max) {
      std::string line = pending_.substr(0, end);
      pending_.erase(0, end + 1);
      return line;
    }
    if (pending_.size() > max) return fail(ErrorKind::exhausted, "the line is too long");
    seen = pending_.size();
    RP_CHECK(wait_for(descriptor_, POLLIN, until, stop));
    std::array<char, 16 * 1024> bytes;
    const ssize_t count = recv(descriptor_, bytes.data(), bytes.size(), MSG_DONTWAIT);
    if (count == 0) return fail(ErrorKind::closed, "the connection was closed");
    if (count < 0 && errno != EINTR && errno != EAGAIN) return fail_system(errno, "read");
    if (count > 0) pending_.append(bytes.data(), static_cast<std::size_t>(count));
  }
}

bool LineSocket::gone(int stop) const {
  std::array<pollfd, 2> entries{{{descriptor_, POLLRDHUP, 0}, {stop, POLLIN, 0}}};
  return poll(entries.data(), stop < 0 ? 1 : 2, 0) > 0;
}

Result<void> LineSocket::write_all(std::string_view bytes, Duration timeout, int stop) {
  const auto until = Clock::now() + timeout;
  while (!bytes.empty()) {
    RP_CHECK(wait_for(descriptor_, POLLOUT, until, stop));
    const ssize_t count = send(descriptor_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && errno != EINTR && errno != EAGAIN) return fail_system(errno, "write");
    if (count > 0) bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

}  // namespace ringpost::admin
