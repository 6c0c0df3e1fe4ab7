#include "control.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <optional>
#include <stdexcept>

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace ringpost::power {

namespace {

constexpr std::string_view kDone = "{}";

std::string_view next_word(std::string_view& rest) {
  const auto end = std::min(rest.find(' '), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return word;
}

std::string wrong(std::string_view what) {
  return fmt::format(R"({{"error":"{}"}})", what);
}

std::optional<std::uint64_t> number(std::string_view word) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (word.empty() || error != std::errc{} || end != word.data() + word.size()) return std::nullopt;
  return value;
}

std::string cut(VolatileDisk& disk, std::string_view arguments) {
  const auto seed = number(next_word(arguments));
  const auto operations = number(next_word(arguments));
  if (!seed || !operations) return wrong("a cut needs a seed and a number of operations");
  const auto manner = manner_of(arguments);
  if (!manner && !arguments.empty()) return wrong("no such manner");
  const auto done = disk.cut_after(*operations, *seed, manner, kCutPatience);
  if (!done) return wrong("so many operations did not come");
  const CutReport& report = *done;
  return fmt::format(R"({{"manner":"{}","kept":{},"torn":{},"dropped":{}}})", name_of(report.manner),
                     report.kept, report.torn, report.dropped);
}

std::string figures(VolatileDisk& disk) {
  const DiskFigures now = disk.figures();
  return fmt::format(R"({{"writes":{},"flushes":{},"cuts":{},"refused":{}}})", now.writes, now.flushes,
                     now.cuts, now.refused);
}

std::optional<std::string> read_line(int connection) {
  std::array<char, kOrderMax> line{};
  std::size_t size = 0;
  while (size < line.size()) {
    const auto got = ::recv(connection, line.data() + size, line.size() - size, 0);
    if (got <= 0) return std::nullopt;
    size += static_cast<std::size_t>(got);
    if (line[size - 1] == '\n') return std::string(line.data(), size - 1);
  }
  return std::nullopt;
}

}  // namespace

std::string carry_out(VolatileDisk& disk, std::string_view order) {
  const std::string_view verb = next_word(order);
  if (verb == "cut") return cut(disk, order);
  if (verb == "figures") return figures(disk);
  if (verb == "on")
    disk.power_on();
  else if (verb == "lie" || verb == "honest")
    disk.set_lying(verb == "lie");
  else
    return wrong("no such order");
  return std::string(kDone);
}

Control::Control(VolatileDisk& disk, const std::string& path)
    : disk_(disk), path_(path), listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address{.sun_family = AF_UNIX};
  if (path.size() >= sizeof address.sun_path)
    throw std::runtime_error("the control socket's path is too long");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  if (listener_ < 0 || ::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_, 4) != 0)
    throw std::runtime_error(fmt::format("{}: {}", path, std::strerror(errno)));
  thread_ = std::thread([this] { run(); });
}

Control::~Control() {
  ::shutdown(listener_, SHUT_RDWR);
  thread_.join();
  ::close(listener_);
  ::unlink(path_.c_str());
}

void Control::run() {
  while (true) {
    const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0 && errno == EINTR) continue;
    if (connection < 0) return;
    if (const auto order = read_line(connection)) {
      const std::string answer = carry_out(disk_, *order) + "\n";
      (void)::send(connection, answer.data(), answer.size(), MSG_NOSIGNAL);
    }
    ::close(connection);
  }
}

}  // namespace ringpost::power
