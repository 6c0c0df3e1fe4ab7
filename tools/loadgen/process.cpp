#include "process.hpp"

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>
#include <utility>

#include <fcntl.h>
#include <netdb.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "output.hpp"

namespace ringpost::loadgen {

namespace {

Duration clock_now(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return std::chrono::seconds{now.tv_sec} + std::chrono::nanoseconds{now.tv_nsec};
}

Duration of(const timeval& time) {
  return std::chrono::seconds{time.tv_sec} + std::chrono::microseconds{time.tv_usec};
}

sigset_t end_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

Duration process_cpu_time() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return of(usage.ru_utime) + of(usage.ru_stime);
}

Duration thread_cpu_time() {
  return clock_now(CLOCK_THREAD_CPUTIME_ID);
}

// "RUNNING WAITING SLICES" in nanoseconds.
Duration thread_wait_time() {
  const auto text = read_file("/proc/thread-self/schedstat", 4096);
  if (!text) return Duration{0};
  const std::size_t blank = text->find(' ');
  if (blank == std::string::npos) return Duration{0};
  std::int64_t waited = 0;
  (void)std::from_chars(text->data() + blank + 1, text->data() + text->size(), waited);
  return Duration{waited};
}

Duration steady_now() {
  return clock_now(CLOCK_MONOTONIC);
}

WallTime wall_now() {
  return {clock_now(CLOCK_REALTIME).count()};
}

std::uint32_t random_number() {
  return std::random_device{}();
}

void leave_at_once(int code) {
  std::fflush(nullptr);
  std::_Exit(code);
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
}

Result<std::vector<Endpoint>> look_up(const std::string& host_and_port) {
  if (auto endpoint = parse_endpoint(host_and_port)) return std::vector{*endpoint};
  const std::size_t colon = host_and_port.rfind(':');
  if (colon == std::string::npos || colon == 0)
    return fail(ErrorKind::permanent, host_and_port + " is no HOST:PORT");
  const std::string host = host_and_port.substr(0, colon);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), host_and_port.c_str() + colon + 1, &hints, &found);
      error != 0)
    return fail(ErrorKind::temporary, "look up " + host_and_port + ": " + gai_strerror(error));
  std::vector<Endpoint> endpoints;
  for (const addrinfo* one = found; one != nullptr; one = one->ai_next)
    if (const auto endpoint = from_socket_address(one->ai_addr, one->ai_addrlen))
      endpoints.push_back(*endpoint);
  freeaddrinfo(found);
  if (endpoints.empty()) return fail(ErrorKind::temporary, host + " has no address");
  endpoints.resize(1);  // as a client does: the one that the system prefers
  return endpoints;
}

Result<std::string> read_file(const std::string& path, std::size_t bytes_max) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return fail_system(errno, "open " + path);
  std::string text;
  for (;;) {
    const std::size_t before = text.size();
    text.resize(before + 65536);
    const ssize_t count = ::read(descriptor, text.data() + before, 65536);
    const int error = errno;
    text.resize(before + static_cast<std::size_t>(count > 0 ? count : 0));
    if (count < 0 && error == EINTR) continue;
    if (count > 0 && text.size() <= bytes_max) continue;
    ::close(descriptor);
    if (count < 0) return fail_system(error, "read " + path);
    if (text.size() > bytes_max) return fail(ErrorKind::permanent, path + " is too large");
    return text;
  }
}

Signals::Signals() {
  const sigset_t set = end_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
}

bool Signals::wait(std::chrono::nanoseconds time) {
  const sigset_t set = end_signals();
  const timespec bound{time.count() / 1'000'000'000, time.count() % 1'000'000'000};
  came_ = sigtimedwait(&set, nullptr, &bound) > 0 || came_;
  return came_;
}

ProgressLine::ProgressLine(bool wanted)
    : wanted_(wanted && isatty(STDERR_FILENO) == 1), next_(steady_now() + std::chrono::seconds{1}) {}

bool ProgressLine::due() {
  if (!wanted_ || steady_now() < next_) return false;
  next_ += std::chrono::seconds{1};
  return true;
}

void ProgressLine::show(const std::string& line) {
  say("\r{:<78}", line);
  shown_ = true;
}

void ProgressLine::clear() {
  if (!std::exchange(shown_, false)) return;
  say("\r{:<78}\r", "");
}

}  // namespace ringpost::loadgen
