// Delivery to a command: /bin/sh -c COMMAND with the message as its standard input, in a process group of its own, for a
// bounded time. The exit status says what became of the mail, as sysexits.h has it.
//
// The message is a memory file, so nobody has to feed the command while it runs, and it may read it twice. Of what it prints
// the first line goes into the reply.
#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <optional>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>

#include "ringpost/deliver/local_limits.hpp"

#include "local_file.hpp"

namespace ringpost::deliver {

namespace {

using Clock = std::chrono::steady_clock;

// What a mail says goes into an environment that shells read: only what no shell takes for more than text.
std::string censored(std::string_view text) {
  std::string out(text.substr(0, kEnvironmentTextMax));
  for (char& c : out) {
    const bool plain = std::isalnum(static_cast<unsigned char>(c)) != 0 ||
                       std::string_view("!@%-_=+:,./ ").find(c) != std::string_view::npos;
    if (!plain) c = '_';
  }
  return out;
}

std::vector<std::string> environment(const DeliveryOrder& order) {
  return {"PATH=/usr/local/bin:/usr/bin:/bin",
          "SHELL=/bin/sh",
          "USER=" + order.user,
          "LOGNAME=" + order.user,
          "HOME=" + (order.home.empty() ? "/" : order.home),
          "SENDER=" + (order.reverse_path.empty() ? "MAILER-DAEMON" : censored(order.reverse_path)),
          "RECIPIENT=" + censored(order.recipient),
          "ORIGINAL_RECIPIENT=" +
              censored(order.original_recipient.empty() ? order.recipient : order.original_recipient),
          "LOCAL=" + censored(order.local_part),
          "EXTENSION=" + censored(order.extension),
          "DOMAIN=" + censored(order.domain)};
}

Descriptor message_file(const DeliveryOrder& order, Pieces body, int& error) {
  Descriptor file(::memfd_create("message", MFD_CLOEXEC));
  if (!file) {
    error = errno;
    return file;
  }
  error = write_message(order, body, [&](std::string_view chunk) { return write_all(file.get(), chunk); });
  if (::lseek(file.get(), 0, SEEK_SET) != 0 && error == 0) error = errno;
  return file;
}

// Attributes and actions of posix_spawn, freed together.
class SpawnPlan {
 public:
  SpawnPlan(const std::string& home, int input, int output) {
    ::posix_spawnattr_init(&attributes_);
    ::posix_spawn_file_actions_init(&actions_);
    sigset_t none;
    sigset_t all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setflags(&attributes_,
                               POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    ::posix_spawn_file_actions_adddup2(&actions_, input, STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, output, STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions_, output, STDERR_FILENO);
    ::posix_spawn_file_actions_addclosefrom_np(&actions_, 3);
    ::posix_spawn_file_actions_addchdir_np(&actions_, home.empty() ? "/" : home.c_str());
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
  ~SpawnPlan() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }
  // 0 or errno.
  int run(pid_t& process, const std::string& command, std::vector<std::string> texts) {
    std::string shell = "/bin/sh";
    std::string dash_c = "-c";
    std::string line = command;
    const std::array<char*, 4> arguments{shell.data(), dash_c.data(), line.data(), nullptr};
    std::vector<char*> variables;
    for (std::string& text : texts) variables.push_back(text.data());
    variables.push_back(nullptr);
    return ::posix_spawn(&process, "/bin/sh", &actions_, &attributes_, arguments.data(), variables.data());
  }

 private:
  posix_spawnattr_t attributes_{};
  posix_spawn_file_actions_t actions_{};
};

struct Ending {
  enum class Kind : std::uint8_t { exited, killed, timed_out, cancelled, lost };
  Kind kind = Kind::lost;
  int value = 0;  // the status or the signal
  std::string output;
};

// What is there to read now; keeps the beginning. False: end of file.
bool drain(int output, std::string& kept) {
  std::array<char, 4096> buffer;
  while (true) {
    const ssize_t count = ::read(output, buffer.data(), buffer.size());
    if (count <= 0) return count < 0 && (errno == EAGAIN || errno == EINTR);
    const std::size_t room = kCommandOutputMax - std::min(kCommandOutputMax, kept.size());
    kept.append(buffer.data(), std::min(room, static_cast<std::size_t>(count)));
  }
}

// Waits for the end of the process itself; what it left running in the background may keep the pipe.
Ending::Kind wait_for(int process, int output, int cancel, Duration timeout, std::string& kept) {
  const auto deadline = Clock::now() + timeout;
  std::array<pollfd, 3> waits{pollfd{process, POLLIN, 0}, pollfd{output, POLLIN, 0}, pollfd{cancel, 0, 0}};
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return Ending::Kind::timed_out;
    const int count = ::poll(waits.data(), waits.size(), static_cast<int>(std::min<long>(left + 1, 60'000)));
    if (count < 0 && errno != EINTR) return Ending::Kind::lost;
    if (count <= 0) continue;
    if (waits[1].revents != 0 && !drain(output, kept)) waits[1].fd = -1;
    if (waits[0].revents != 0) return Ending::Kind::exited;
    if (waits[2].revents != 0) return Ending::Kind::cancelled;
  }
}

Ending supervise(pid_t process, int output, int cancel, Duration timeout) {
  Ending ending;
  const Descriptor watched(static_cast<int>(::syscall(SYS_pidfd_open, process, 0)));
  ending.kind =
      watched ? wait_for(watched.get(), output, cancel, timeout, ending.output) : Ending::Kind::lost;
  if (ending.kind != Ending::Kind::exited) ::kill(-process, SIGKILL);
  int status = 0;
  pid_t waited = 0;
  do waited = ::waitpid(process, &status, 0);
  while (waited < 0 && errno == EINTR);
  if (ending.kind != Ending::Kind::exited) return ending;
  drain(output, ending.output);
  if (waited != process)
    ending.kind = Ending::Kind::lost;
  else if (WIFSIGNALED(status))
    ending = {Ending::Kind::killed, WTERMSIG(status), std::move(ending.output)};
  else
    ending.value = WEXITSTATUS(status);
  return ending;
}

struct ExitMeaning {
  int status;
  mail::EnhancedStatus reply;
  std::string_view text;
};
constexpr std::array kExitMeanings{
    ExitMeaning{EX_USAGE, {5, 3, 0}, "command line usage error"},
    ExitMeaning{EX_DATAERR, {5, 6, 0}, "data format error"},
    ExitMeaning{EX_NOINPUT, {5, 3, 0}, "cannot open input"},
    ExitMeaning{EX_NOUSER, {5, 1, 1}, "user unknown"},
    ExitMeaning{EX_NOHOST, {5, 1, 2}, "host name unknown"},
    ExitMeaning{EX_UNAVAILABLE, {5, 3, 0}, "service unavailable"},
    ExitMeaning{EX_SOFTWARE, {5, 3, 0}, "internal software error"},
    ExitMeaning{EX_OSERR, {4, 3, 0}, "system resource problem"},
    ExitMeaning{EX_OSFILE, {5, 3, 0}, "critical OS file missing"},
    ExitMeaning{EX_CANTCREAT, {5, 2, 0}, "cannot create output file"},
    ExitMeaning{EX_IOERR, {4, 3, 0}, "input/output error"},
    ExitMeaning{EX_TEMPFAIL, {4, 3, 0}, "temporary failure"},
    ExitMeaning{EX_PROTOCOL, {5, 5, 0}, "remote error in protocol"},
    ExitMeaning{EX_NOPERM, {5, 7, 0}, "permission denied"},
    ExitMeaning{EX_CONFIG, {5, 3, 5}, "local configuration error"},
    // The shell's own. A command that is missing is our mistake, not the sender's.
    ExitMeaning{126, {4, 3, 5}, "command cannot be executed"},
    ExitMeaning{127, {4, 3, 5}, "command not found"},
};

std::string first_line(std::string_view output) {
  std::string line(output.substr(0, output.find_first_of("\r\n")));
  for (char& c : line)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = ' ';
  return line;
}

DeliveryOutcome from_exit(const Ending& ending) {
  if (ending.value == EX_OK) return DeliveryOutcome::done();
  const auto* meaning = std::ranges::find(kExitMeanings, ending.value, &ExitMeaning::status);
  const bool known = meaning != kExitMeanings.end();
  mail::EnhancedStatus status = known ? meaning->reply : mail::EnhancedStatus{5, 3, 0};
  std::string line = first_line(ending.output);
  // A command may know better: "5.2.2 mailbox full". It does not change between "later" and "never".
  const std::size_t blank = std::min(line.find(' '), line.size());
  if (const auto own = mail::parse_enhanced_status(std::string_view(line).substr(0, blank));
      own && own->category == status.category) {
    status = *own;
    line.erase(0, std::min(blank + 1, line.size()));
  }
  std::string text = fmt::format("Command died with status {}{}{}", ending.value, known ? ": " : "",
                                 known ? meaning->text : "");
  if (!line.empty()) text += ". Command output: " + line;
  return status.category == 4 ? DeliveryOutcome::deferred(451, status, std::move(text))
                              : DeliveryOutcome::failed(554, status, std::move(text));
}

DeliveryOutcome from_ending(const Ending& ending, Duration timeout) {
  switch (ending.kind) {
    case Ending::Kind::exited:
      return from_exit(ending);
    case Ending::Kind::killed:
      return DeliveryOutcome::deferred(451, {4, 3, 0},
                                       fmt::format("Command died with signal {}", ending.value));
    case Ending::Kind::timed_out:
      return DeliveryOutcome::deferred(
          451, {4, 3, 0}, fmt::format("Command took longer than {} and was ended", to_string(timeout)));
    case Ending::Kind::cancelled:
      return DeliveryOutcome::deferred(451, {4, 3, 2}, "Command was ended because the server stops");
    case Ending::Kind::lost:
      break;
  }
  return DeliveryOutcome::deferred(451, {4, 3, 0}, "What became of the command is not known");
}

}  // namespace

DeliveryOutcome run_command(const DeliveryOrder& order, Pieces body, int cancel) {
  int error = 0;
  const Descriptor input = message_file(order, body, error);
  if (error != 0) return defer_system(error, "hold the message for a command");
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return defer_system(errno, "make a pipe for a command");
  const Descriptor output(ends[0]);
  Descriptor theirs(ends[1]);
  ::fcntl(output.get(), F_SETFL, O_NONBLOCK);
  SpawnPlan plan(order.home, input.get(), theirs.get());
  pid_t process = 0;
  error = plan.run(process, order.target, environment(order));
  theirs.reset();
  if (error != 0) return defer_system(error, "start a command in " + (order.home.empty() ? "/" : order.home));
  return from_ending(supervise(process, output.get(), cancel, order.timeout), order.timeout);
}

}  // namespace ringpost::deliver
