#include "child.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <ctime>
#include <filesystem>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "process.hpp"

namespace ringpost::loadgen {

namespace {

constexpr int kPollMs = 20;
constexpr std::size_t kOutputMax = std::size_t{1} << 20;

// Fields 14 and 15 of /proc/PID/stat, behind the name, which may hold anything but ")" at its end; field 5 is the group.
Duration cpu_in(const std::string& folder, pid_t group) {
  const auto text = read_file(folder + "/stat", 4096);
  if (!text) return Duration{0};
  const std::size_t name_end = text->rfind(')');
  if (name_end == std::string::npos) return Duration{0};
  std::vector<long long> fields;
  const char* at = text->data() + name_end + 4;  // behind ") S "
  const char* const end = text->data() + text->size();
  while (at < end && fields.size() < 12) {
    long long number = 0;
    const auto [stop, error] = std::from_chars(at, end, number);
    if (error != std::errc{}) break;
    fields.push_back(number);
    at = stop + 1;
  }
  if (fields.size() < 12 || fields[1] != group) return Duration{0};
  const double ticks = static_cast<double>(fields[10] + fields[11]);
  return Duration{static_cast<std::int64_t>(ticks / static_cast<double>(sysconf(_SC_CLK_TCK)) * 1e9)};
}

[[noreturn]] void become(const std::string& command, int output) {
  setpgid(0, 0);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  std::signal(SIGPIPE, SIG_DFL);
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
  _exit(127);
}

}  // namespace

Result<Child> Child::start(const std::string& command, bool capture, const std::string& log) {
  std::array<int, 2> ends{-1, -1};
  if (capture) {
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return fail_system(errno, "pipe");
  } else {
    ends[1] = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (ends[1] < 0) return fail_system(errno, "open " + log);
  }
  // What the shell leaves behind becomes ours, so that it can be waited for.
  (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
  const pid_t pid = fork();
  const int error = errno;
  if (pid == 0) become(command, ends[1]);
  ::close(ends[1]);
  if (pid < 0) {
    if (ends[0] >= 0) ::close(ends[0]);
    return fail_system(error, "fork");
  }
  setpgid(pid, pid);  // also here, so that the group is there at once
  return Child(pid, ends[0]);
}

Child::Child(Child&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      output_(std::exchange(other.output_, -1)),
      status_(other.status_),
      ended_(other.ended_) {}

Child::~Child() {
  if (pid_ > 0) stop(std::chrono::seconds{2});
  if (output_ >= 0) ::close(output_);
}

bool Child::running() {
  if (!ended_ && waitpid(pid_, &status_, WNOHANG) == pid_) ended_ = true;
  return !ended_;
}

Duration Child::cpu() const {
  Duration sum{0};
  std::error_code error;
  for (std::filesystem::directory_iterator at("/proc", error), end; !error && at != end; at.increment(error))
    if (const std::string name = at->path().filename(); !name.empty() && name[0] >= '0' && name[0] <= '9')
      sum += cpu_in(at->path().string(), pid_);
  return sum;
}

bool Child::group_lives() {
  int status = 0;
  pid_t ended = 0;
  while ((ended = waitpid(-pid_, &status, WNOHANG)) > 0)
    if (ended == pid_) {
      status_ = status;
      ended_ = true;
    }
  return ended == 0;
}

Result<std::string> Child::output(Duration bound, Signals& signals) {
  const Duration until = steady_now() + bound;
  std::string text;
  for (;;) {
    const Duration left = until - steady_now();
    if (left <= Duration{0}) return fail(ErrorKind::timed_out, "the command did not end");
    if (signals.wait(Duration{0})) return fail(ErrorKind::cancelled, "stopped");
    pollfd readable{output_, POLLIN, 0};
    if (poll(&readable, 1, kPollMs) <= 0) continue;
    std::array<char, 4096> block;
    const ssize_t count = ::read(output_, block.data(), block.size());
    if (count == 0) break;
    if (count > 0) text.append(block.data(), static_cast<std::size_t>(count));
    if (text.size() > kOutputMax) return fail(ErrorKind::permanent, "the command prints without end");
  }
  while (running() && steady_now() < until)
    if (signals.wait(std::chrono::milliseconds{2})) return fail(ErrorKind::cancelled, "stopped");
  if (!ended_ || !WIFEXITED(status_) || WEXITSTATUS(status_) != 0)
    return fail(ErrorKind::permanent, "the command failed: " + text);
  return text;
}

void Child::stop(Duration bound) {
  if (group_lives()) {
    kill(-pid_, SIGTERM);
    const Duration until = steady_now() + bound;
    while (group_lives() && steady_now() < until) std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  kill(-pid_, SIGKILL);
  while (waitpid(-pid_, &status_, 0) > 0) {
  }
  ended_ = true;
  pid_ = -1;
}

}  // namespace ringpost::loadgen
