#include "output.hpp"

#include <cerrno>
#include <cstring>

#include <unistd.h>

namespace ringpost::loadgen {

namespace {

bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(descriptor, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

}  // namespace

int output(std::string_view text, int code) {
  if (write_all(STDOUT_FILENO, text)) return code;
  return complain(fmt::format("standard output: {}", std::strerror(errno)));
}

void say_text(std::string_view text) {
  (void)write_all(STDERR_FILENO, text);
}

int complain(std::string_view text) {
  say("loadgen: {}\n", text);
  return kFailed;
}

}  // namespace ringpost::loadgen
