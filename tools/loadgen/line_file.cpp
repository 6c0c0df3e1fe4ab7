#include "line_file.hpp"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "limits.hpp"

namespace ringpost::loadgen {

namespace {

bool ends_in_the_middle_of_a_line(int descriptor) {
  struct stat status{};
  if (fstat(descriptor, &status) != 0 || status.st_size == 0) return false;
  char last = '\n';
  return pread(descriptor, &last, 1, status.st_size - 1) == 1 && last != '\n';
}

}  // namespace

Result<std::unique_ptr<LineFile>> LineFile::open(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0) return fail_system(errno, "open " + path);
  std::unique_ptr<LineFile> file(new LineFile(descriptor, path));
  if (ends_in_the_middle_of_a_line(descriptor)) file->write("\n");
  return file;
}

LineFile::~LineFile() {
  ::close(descriptor_);
}

void LineFile::write(std::string_view lines) {
  while (!lines.empty() && error_.load(std::memory_order_relaxed) == 0) {
    const ssize_t written = ::write(descriptor_, lines.data(), lines.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) {
      error_.store(errno, std::memory_order_relaxed);
      return;
    }
    lines.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::string LineFile::trouble() const {
  const int error = error_.load(std::memory_order_relaxed);
  return error == 0 ? "" : system_error(error, "write " + path_).text;
}

LineWriter::LineWriter(shard::Core& core, LineFile* file) : TurnHook(&LineWriter::turn_ended), file_(file) {
  core.at_turn_end(*this);
}

void LineWriter::added() {
  if (text_.size() >= kLinesBytesMax) write_all();
}

void LineWriter::write_all() {
  if (file_ != nullptr) file_->write(text_);
  text_.clear();
}

void LineWriter::turn_ended(shard::TurnHook& self) {
  auto& writer = static_cast<LineWriter&>(self);
  if (!writer.text_.empty()) writer.write_all();
}

}  // namespace ringpost::loadgen
