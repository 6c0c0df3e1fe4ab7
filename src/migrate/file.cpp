#include "file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ringpost::migrate {

namespace {

// Closes it.
Result<std::string> read_open(int descriptor, const std::string& path, Bytes size_max) {
  std::string text;
  Result<void> done;
  for (;;) {
    const std::size_t before = text.size();
    text.resize(before + std::size_t{64} * 1024);
    const ssize_t count = ::read(descriptor, text.data() + before, text.size() - before);
    const int error = errno;
    text.resize(before + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count < 0 && error == EINTR) continue;
    if (count < 0) done = fail_system(error, "read " + path);
    if (text.size() > size_max.count)
      done = fail(ErrorKind::permanent, path + " is larger than " + to_string(size_max));
    if (count <= 0 || !done) break;
  }
  ::close(descriptor);
  if (!done) return fail(std::move(done.error()));
  return text;
}

}  // namespace

Result<Folder> Folder::open(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return fail_system(errno, "open " + path);
  return Folder(descriptor, path);
}

Folder::Folder(Folder&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)) {}

Folder::~Folder() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<int> Folder::open_file(const std::string& name) const {
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  const auto descriptor =
      static_cast<int>(::syscall(SYS_openat2, descriptor_, name.c_str(), &how, sizeof how));
  if (descriptor < 0 && errno == ELOOP)
    return fail(Error{ErrorKind::permanent, ELOOP, path_ + "/" + name + " is behind a symbolic link"});
  if (descriptor < 0) return fail_system(errno, "read " + path_ + "/" + name);
  struct stat status{};
  if (::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode)) return descriptor;
  ::close(descriptor);
  return fail(ErrorKind::permanent, path_ + "/" + name + " is no file");
}

Result<std::string> Folder::read(const std::string& name, Bytes size_max) const {
  return read_open(RP_TRY(open_file(name)), path_ + "/" + name, size_max);
}

Result<std::string> read_file(const std::string& path, Bytes size_max) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return fail_system(errno, "read " + path);
  return read_open(descriptor, path, size_max);
}

NewFile::NewFile(NewFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), path_(std::move(other.path_)) {}

NewFile::~NewFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

Result<NewFile> NewFile::make(const std::string& path, unsigned mode) {
  NewFile file;
  file.path_ = path;
  file.descriptor_ = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (file.descriptor_ < 0 && errno == EEXIST)
    return fail(ErrorKind::permanent, path + " is there already; move it away, or name another place");
  if (file.descriptor_ < 0) return fail_system(errno, "make " + path);
  return file;
}

Result<void> NewFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor_, bytes.data(), bytes.size());
    if (count < 0 && errno != EINTR) return fail_system(errno, "write " + path_);
    if (count > 0) bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

Result<void> NewFile::close(std::int64_t date) {
  const std::array times{timespec{.tv_sec = date, .tv_nsec = 0}, timespec{.tv_sec = date, .tv_nsec = 0}};
  if (date != 0 && futimens(descriptor_, times.data()) != 0) return fail_system(errno, "write " + path_);
  if (::close(std::exchange(descriptor_, -1)) != 0) return fail_system(errno, "write " + path_);
  return {};
}

Result<void> sync_file_system(const std::string& folder) {
  const int descriptor = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return fail_system(errno, "open " + folder);
  const int error = syncfs(descriptor) == 0 ? 0 : errno;
  close(descriptor);
  if (error != 0) return fail_system(error, "write " + folder);
  return {};
}

}  // namespace ringpost::migrate
