#include "files.hpp"

#include <cerrno>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace ringpost::command {

namespace {

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  int number() const { return number_; }

 private:
  int number_;
};

Result<void> write_all(int descriptor, std::string_view content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t count = write(descriptor, content.data(), content.size());
    if (count < 0 && errno != EINTR) return fail_system(errno, "write " + path);
    if (count > 0) content.remove_prefix(static_cast<std::size_t>(count));
  }
  if (fsync(descriptor) != 0) return fail_system(errno, "write " + path);
  return {};
}

}  // namespace

Result<std::string> read_whole(const std::string& path, Bytes size_max) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.number() < 0) return fail_system(errno, "read " + path);
  std::string text;
  for (;;) {
    const std::size_t before = text.size();
    if (before > size_max.count)
      return fail(ErrorKind::permanent, path + ": larger than " + to_string(size_max));
    text.resize(before + 64 * 1024);
    const ssize_t count = read(file.number(), text.data() + before, text.size() - before);
    if (count < 0 && errno != EINTR) return fail_system(errno, "read " + path);
    text.resize(before + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count == 0) return text;
  }
}

Result<void> write_new(const std::string& path, std::string_view content, unsigned mode) {
  const Descriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (file.number() < 0 && errno == EEXIST)
    return fail(ErrorKind::permanent, path + " is there already; move it away, or choose another folder");
  if (file.number() < 0) return fail_system(errno, "make " + path);
  return write_all(file.number(), content, path);
}

Result<void> make_folder(const std::string& path, unsigned mode) {
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (mkdir(part.c_str(), slash == std::string::npos ? mode : 0755) != 0) {
      const int error = errno;
      struct stat facts{};
      if (error != EEXIST) return fail_system(error, "make the folder " + part);
      if (stat(part.c_str(), &facts) != 0 || !S_ISDIR(facts.st_mode))
        return fail(ErrorKind::permanent, part + " is no folder; choose another one");
    }
    if (slash == std::string::npos) return {};
  }
}

std::string whole_path(const std::string& path) {
  std::error_code ignored;
  const auto whole = std::filesystem::absolute(path, ignored);
  std::string text = ignored ? path : whole.lexically_normal().string();
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

}  // namespace ringpost::command
