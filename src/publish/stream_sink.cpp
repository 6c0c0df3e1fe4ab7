// Lines into a file or a stream such as standard error.
#include <algorithm>
#include <cerrno>
#include <chrono>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ringpost/publish/limits.hpp"

#include "format.hpp"
#include "sink.hpp"

namespace ringpost::publish {

namespace {

using Clock = std::chrono::steady_clock;

class StreamSink : public Sink {
 public:
  StreamSink(int descriptor, LogFormat format, const SinkPlaces& places)
      : descriptor_(descriptor), format_(format), places_(places) {
    look_at_descriptor();
  }

  void add(const Event& event) override {
    if (format_ == LogFormat::json) {
      append_json(event, places_.hostname, batch_);
    } else {
      batch_ += line_start(event.time);
      append_message(event, batch_);
    }
    batch_ += '\n';
    if (batch_.size() >= kBatchBytesMax) flush();
  }

  void flush() override {
    if (batch_.empty()) return;
    if (const int error = ready(); error != 0)
      drop(batch_, error);
    else
      write_batch();
    batch_.clear();
  }

 protected:
  // Before a batch: an errno when there is nowhere to write to.
  virtual int ready() { return descriptor_ < 0 ? EBADF : 0; }
  void take_descriptor(int descriptor) {
    descriptor_ = descriptor;
    look_at_descriptor();
  }
  int descriptor() const { return descriptor_; }
  virtual std::string name() const { return "stderr"; }

 private:
  // What the lines of a second begin with: the calendar is asked once for all of them.
  const std::string& line_start(WallTime time) {
    if (time.seconds() != start_second_ || start_.empty()) {
      start_second_ = time.seconds();
      start_.clear();
      append_syslog_time(time, start_);
      fmt::format_to(std::back_inserter(start_), " {} ringpost[{}]: ", places_.hostname, places_.process_id);
    }
    return start_;
  }

  void look_at_descriptor() {
    struct stat status{};
    regular_ = descriptor_ >= 0 && fstat(descriptor_, &status) == 0 && S_ISREG(status.st_mode);
  }

  // A reader of a pipe may have stopped reading: wait for it only so long, and never in write() itself.
  int wait_for_room(Clock::time_point until) const {
    if (regular_) return 0;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
    pollfd entry{.fd = descriptor_, .events = POLLOUT, .revents = 0};
    const int count = poll(&entry, 1, static_cast<int>(std::max<std::int64_t>(0, left)));
    if (count < 0) return errno;
    if (count == 0) return EAGAIN;
    return (entry.revents & POLLNVAL) != 0 ? EBADF : 0;
  }

  void write_batch() {
    const auto until = Clock::now() + kSinkPatience;
    // The rest of a line that was cut must not run into this one.
    const bool ends_cut_line = cut_line_;
    if (ends_cut_line) batch_.insert(0, 1, '\n');
    std::string_view rest = batch_;
    int error = 0;
    while (!rest.empty() && error == 0) {
      error = wait_for_room(until);
      if (error == EINTR) error = 0;
      if (error != 0) break;
      const std::size_t size = regular_ ? rest.size() : std::min(rest.size(), kPipeChunkBytes);
      const ssize_t count = write(descriptor_, rest.data(), size);
      if (count >= 0)
        rest.remove_prefix(static_cast<std::size_t>(count));
      else if (errno != EINTR)
        error = errno;
    }
    const std::string_view written = std::string_view(batch_).substr(0, batch_.size() - rest.size());
    const bool ended = ends_cut_line && !written.empty();
    count_written(static_cast<std::uint64_t>(std::ranges::count(written, '\n')) - (ended ? 1 : 0));
    if (!rest.empty()) drop(written.empty() && ends_cut_line ? rest.substr(1) : rest, error);
    if (!written.empty()) cut_line_ = written.back() != '\n';
  }

  void drop(std::string_view lines, int error) {
    count_lost(static_cast<std::uint64_t>(std::ranges::count(lines, '\n')),
               system_error(error, "write " + name()).text);
  }

  int descriptor_;
  LogFormat format_;
  SinkPlaces places_;
  std::string batch_;
  std::string start_;  // see line_start()
  std::int64_t start_second_ = 0;
  bool regular_ = false;
  bool cut_line_ = false;
};

// Reopened when its name has come to mean another file: logrotate moves the old one away.
class FileSink final : public StreamSink {
 public:
  FileSink(std::string path, LogFormat format, const SinkPlaces& places)
      : StreamSink(-1, format, places), path_(std::move(path)) {}
  ~FileSink() override { close_file(); }

  int open_file() {
    const int fresh =
        open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);
    if (fresh < 0) return errno;
    close_file();
    take_descriptor(fresh);
    return 0;
  }

 private:
  int ready() override {
    if (descriptor() >= 0 && is_current()) return 0;
    const int error = open_file();
    // A folder that is gone for a moment: the old file is better than nothing.
    return descriptor() >= 0 ? 0 : error;
  }
  bool is_current() const {
    struct stat ours{}, named{};
    return fstat(descriptor(), &ours) == 0 && stat(path_.c_str(), &named) == 0 &&
           ours.st_ino == named.st_ino && ours.st_dev == named.st_dev;
  }
  void close_file() {
    if (descriptor() >= 0) close(descriptor());
    take_descriptor(-1);
  }
  std::string name() const override { return path_; }

  std::string path_;
};

std::string mend_of(int error, const std::string& path) {
  if (error == ENOENT) return "make its folder: mkdir -p " + path.substr(0, path.rfind('/'));
  if (error == EACCES || error == EPERM) return "let the server's user write there";
  if (error == EISDIR) return "name a file, not a folder";
  return "name another file";
}

}  // namespace

Result<std::unique_ptr<Sink>> make_file_sink(std::string path, LogFormat format, const SinkPlaces& places) {
  auto sink = std::make_unique<FileSink>(path, format, places);
  if (const int error = sink->open_file(); error != 0) {
    Error problem = system_error(error, "open " + path);
    problem.text += "; " + mend_of(error, path);
    return fail(std::move(problem));
  }
  return sink;
}

std::unique_ptr<Sink> make_stream_sink(int descriptor, LogFormat format, const SinkPlaces& places) {
  return std::make_unique<StreamSink>(descriptor, format, places);
}

Result<std::unique_ptr<Sink>> make_sink(const LogOptions& options, const SinkPlaces& places) {
  if (options.to == "stderr") return make_stream_sink(STDERR_FILENO, options.format, places);
  if (options.to == "syslog") return make_syslog_sink(options.format, places);
  if (options.to == "journald") return make_journal_sink(options.format, places);
  if (!options.to.starts_with("file:"))
    return fail(ErrorKind::permanent,
                options.to + " is no place for a log; write stderr, syslog, journald or file:PATH");
  return make_file_sink(options.to.substr(5), options.format, places);
}

}  // namespace ringpost::publish
