#include "exported_file.hpp"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

namespace ringpost::command {

Result<ExportedFile> ExportedFile::make(std::string path) {
  const int descriptor =
      open((path + ".new").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor < 0) return fail_system(errno, "write " + path);
  return ExportedFile(std::move(path), descriptor);
}

ExportedFile::ExportedFile(ExportedFile&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

ExportedFile::~ExportedFile() {
  if (descriptor_ < 0) return;
  close(descriptor_);
  unlink(unfinished().c_str());
}

Result<void> ExportedFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno != EINTR) return fail_system(errno, "write " + path_);
    if (count > 0) bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Result<void> ExportedFile::finish() {
  if (fsync(descriptor_) != 0) return fail_system(errno, "write " + path_);
  if (rename(unfinished().c_str(), path_.c_str()) != 0) return fail_system(errno, "write " + path_);
  if (close(std::exchange(descriptor_, -1)) != 0) return fail_system(errno, "write " + path_);
  return {};
}

Result<void> sync_folder(const std::string& path) {
  const int descriptor = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return fail_system(errno, "write into " + path);
  const int done = fsync(descriptor);
  const int error = errno;
  close(descriptor);
  if (done != 0) return fail_system(error, "write into " + path);
  return {};
}

}  // namespace ringpost::command
