#include "ringpost/server/files.hpp"

#include <cerrno>
#include <filesystem>

#include <fcntl.h>
#include <unistd.h>

namespace ringpost::server {

Result<std::string> read_file(const std::string& path, Bytes size_max) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return fail_system(errno, path);
  std::string text;
  for (;;) {
    const std::size_t before = text.size();
    if (before > size_max.count) {
      close(descriptor);
      return fail(ErrorKind::permanent, path + ": larger than " + to_string(size_max));
    }
    text.resize(before + 64 * 1024);
    const ssize_t count = read(descriptor, text.data() + before, text.size() - before);
    if (count < 0) {
      const int error = errno;
      close(descriptor);
      return fail_system(error, path);
    }
    text.resize(before + static_cast<std::size_t>(count));
    if (count == 0) break;
  }
  close(descriptor);
  return text;
}

std::string absolute_path(const std::string& path) {
  std::error_code ignored;
  const auto whole = std::filesystem::absolute(path, ignored);
  return ignored ? path : whole.lexically_normal().string();
}

}  // namespace ringpost::server
