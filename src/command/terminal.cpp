#include "terminal.hpp"

#include <array>
#include <cerrno>
#include <csignal>

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

namespace ringpost::command {

namespace {

constexpr std::string_view kEnter = "\x1b[?1049h\x1b[?25l";  // the other screen, no cursor
constexpr std::size_t kSequenceMax = 16;
constexpr std::string_view kLeave = "\x1b[?25h\x1b[?1049l";

void write_all(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (count < 0 && errno != EINTR) return;
    if (count > 0) bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

sigset_t wanted_signals() {
  sigset_t wanted;
  sigemptyset(&wanted);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGWINCH}) sigaddset(&wanted, signal);
  return wanted;
}

}  // namespace

struct Terminal::State {
  termios before{};
  sigset_t mask{};
  int signals = -1;
};

Terminal::Terminal(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<Terminal>> Terminal::open() {
  auto state = std::make_unique<State>();
  if (isatty(STDIN_FILENO) == 0 || isatty(STDOUT_FILENO) == 0 || tcgetattr(STDIN_FILENO, &state->before) != 0)
    return fail(ErrorKind::permanent, "this is no terminal; use --once, or --json");
  const sigset_t wanted = wanted_signals();
  sigprocmask(SIG_BLOCK, &wanted, &state->mask);
  state->signals = signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
  termios raw = state->before;
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  raw.c_cc[VMIN] = 0;
  raw.c_cc[VTIME] = 0;
  tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw);
  write_all(kEnter);
  return std::unique_ptr<Terminal>(new Terminal(std::move(state)));
}

Terminal::~Terminal() {
  write_all(kLeave);
  tcsetattr(STDIN_FILENO, TCSAFLUSH, &state_->before);
  if (state_->signals >= 0) close(state_->signals);
  sigprocmask(SIG_SETMASK, &state_->mask, nullptr);
}

Terminal::Size Terminal::size() const {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0) return {};
  return {size.ws_col, size.ws_row};
}

void Terminal::show(std::string_view lines) {
  std::string out = "\x1b[H";
  std::size_t rows = 0;
  for (std::size_t at = 0; at < lines.size(); ++rows) {
    const std::size_t end = std::min(lines.find('\n', at), lines.size());
    if (rows > 0) out += "\r\n";
    out += lines.substr(at, end - at);
    out += "\x1b[K";
    at = end + 1;
  }
  out += "\x1b[J";
  write_all(out);
}

namespace {

// After an escape: "[" or "O", then up to a letter. Several may wait, and what comes after is the next key's.
std::string read_sequence() {
  std::string key = "\x1b";
  for (char next = 0; key.size() < kSequenceMax && read(STDIN_FILENO, &next, 1) == 1;) {
    key += next;
    const bool introduces = key.size() == 2 && (next == '[' || next == 'O');
    if (!introduces && next >= '@' && next <= '~') break;
  }
  return key;
}

}  // namespace

std::string Terminal::read_key(Duration wait) {
  std::array<pollfd, 2> entries{{{STDIN_FILENO, POLLIN, 0}, {state_->signals, POLLIN, 0}}};
  const auto bound = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
  if (poll(entries.data(), entries.size(), static_cast<int>(bound)) <= 0) return {};
  if (entries[1].revents != 0) {
    signalfd_siginfo signal{};
    if (read(state_->signals, &signal, sizeof(signal)) == sizeof(signal) && signal.ssi_signo != SIGWINCH)
      return "q";
    return {};
  }
  char first = 0;
  if (read(STDIN_FILENO, &first, 1) <= 0) return "q";
  return first == '\x1b' ? read_sequence() : std::string(1, first);
}

}  // namespace ringpost::command
