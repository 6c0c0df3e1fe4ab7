// Delivery into an mbox: locked against readers and other writers, appended, made durable; on any failure the file has its
// old size again, so that it never ends in half a message.
//
// Locks: PATH.lock where its folder lets us make one, and a lock on the open file that also excludes other threads of this
// process (an "open file description" lock; it meets the fcntl locks of mail readers).
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <optional>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

#include "ringpost/deliver/local_limits.hpp"
#include "ringpost/mail/mbox.hpp"
#include "ringpost/scan/find.hpp"

#include "local_file.hpp"

namespace ringpost::deliver {

namespace {

class Dotlock {
 public:
  explicit Dotlock(const std::string& mailbox) : path_(mailbox + ".lock") {}
  Dotlock(const Dotlock&) = delete;
  Dotlock& operator=(const Dotlock&) = delete;
  ~Dotlock() {
    if (taken_) ::unlink(path_.c_str());
  }
  // False: somebody else has it.
  bool take() {
    if (create()) return true;
    if (errno != EEXIST) return true;  // a folder that we may not write: the lock on the file is all there is
    return remove_stale() && create();
  }

 private:
  bool create() {
    const Descriptor file(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0444));
    if (!file) return false;
    taken_ = true;
    (void)write_all(file.get(), std::to_string(::getpid()));  // for people; the name is the lock
    return true;
  }
  bool remove_stale() {
    struct stat found{};
    if (::lstat(path_.c_str(), &found) != 0) return errno == ENOENT;
    if (std::time(nullptr) - found.st_mtime <
        std::chrono::duration_cast<std::chrono::seconds>(kDotlockStale).count())
      return false;
    return ::unlink(path_.c_str()) == 0;
  }
  std::string path_;
  bool taken_ = false;
};

// 0, EAGAIN when others hold it, or another errno.
int lock_file(int file) {
  struct flock whole{};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  if (::fcntl(file, F_OFD_SETLK, &whole) == 0) return 0;
  return errno == EACCES ? EAGAIN : errno;
}

std::optional<DeliveryOutcome> refuse_file(const std::string& path, int file, const struct stat& found) {
  if (!S_ISREG(found.st_mode))
    return DeliveryOutcome::deferred(451, {4, 3, 5}, path + " is not a regular file");
  if (found.st_nlink != 1)
    return DeliveryOutcome::deferred(451, {4, 3, 5}, path + " has more than one name (hard links)");
  if (found.st_uid != ::geteuid())
    return DeliveryOutcome::deferred(451, {4, 3, 5}, path + " belongs to another user");
  char start[5] = {};
  if (found.st_size != 0 && (::pread(file, start, sizeof start, 0) != sizeof start ||
                             std::string_view(start, sizeof start) != "From "))
    return DeliveryOutcome::deferred(451, {4, 3, 5},
                                     path + " is not an mbox: it does not begin with \"From \"");
  return std::nullopt;
}

int write_mbox_message(int file, const DeliveryOrder& order, Pieces body) {
  mail::MboxWriter writer;
  std::string out;
  writer.begin(order.reverse_path, order.arrival, out);
  writer.write(trace_fields(order), out);
  for (const auto& piece : body) {
    std::string_view text = scan::as_text(piece);
    while (!text.empty()) {
      writer.write(text.substr(0, kWriteChunk), out);
      text.remove_prefix(std::min(kWriteChunk, text.size()));
      if (out.size() < kWriteChunk) continue;
      if (const int error = write_all(file, out); error != 0) return error;
      out.clear();
    }
  }
  writer.finish(out);
  return write_all(file, out);
}

// Of one that a program left without its last line end, the next From_ line would not be one.
int end_last_message(int file, off_t size) {
  char last[2] = {'\n', '\n'};
  if (size >= 2 && ::pread(file, last, 2, size - 2) != 2) return EIO;
  if (last[1] != '\n') return write_all(file, "\n\n");
  return last[0] == '\n' ? 0 : write_all(file, "\n");
}

DeliveryOutcome append(const DeliveryOrder& order, Pieces body, int file, off_t old_size) {
  int error = end_last_message(file, old_size);
  if (error == 0) error = write_mbox_message(file, order, body);
  if (error == 0 && ::fsync(file) != 0) error = errno;
  if (error == 0) return DeliveryOutcome::done();
  DeliveryOutcome outcome = defer_system(error, "append to " + order.target);
  if (::ftruncate(file, old_size) != 0 || ::fsync(file) != 0)
    outcome.reply.text += "; taking back what was written failed too";
  return outcome;
}

DeliveryOutcome locked_by_others(const std::string& path) {
  DeliveryOutcome outcome = DeliveryOutcome::deferred(451, {4, 2, 0}, path + " is locked by another program");
  outcome.locked = true;
  return outcome;
}

DeliveryOutcome try_once(const DeliveryOrder& order, Pieces body) {
  const std::string& path = order.target;
  Dotlock dotlock(path);
  if (!dotlock.take()) return locked_by_others(path);
  bool made = false;
  Descriptor file(::open(path.c_str(), O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file && errno == ENOENT) {
    if (const std::size_t slash = path.rfind('/'); slash != std::string::npos && slash != 0)
      if (const int error = make_directories(path.substr(0, slash)); error != 0)
        return defer_system(error, "make the folder of " + path);
    file = Descriptor(
        ::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600));
    made = true;
  }
  if (!file) return defer_system(errno, "open " + path);
  const int locked = lock_file(file.get());
  if (locked == EAGAIN) return locked_by_others(path);
  if (locked != 0) return defer_system(locked, "lock " + path);
  struct stat found{};
  if (::fstat(file.get(), &found) != 0) return defer_system(errno, "look at " + path);
  struct stat named{};
  if (::lstat(path.c_str(), &named) != 0 || named.st_ino != found.st_ino || named.st_dev != found.st_dev)
    return locked_by_others(path);  // a reader has put another file in its place; look again
  if (auto refused = refuse_file(path, file.get(), found)) return std::move(*refused);
  DeliveryOutcome outcome = append(order, body, file.get(), found.st_size);
  if (outcome.kind == DeliveryOutcome::Kind::done && made) {
    // A shared spool folder may be one that we cannot read; the sync of a new file takes its name along where it counts.
    const int error = sync_directory(path.substr(0, std::max<std::size_t>(path.rfind('/'), 1)));
    if (error != 0 && error != EACCES) return defer_system(error, "make " + path + " durable");
  }
  return outcome;
}

}  // namespace

DeliveryOutcome deliver_mbox(const DeliveryOrder& order, Pieces body, int cancel) {
  if (order.target == "/dev/null") return DeliveryOutcome::done();
  Duration waited{0};
  while (true) {
    DeliveryOutcome outcome = try_once(order, body);
    if (!outcome.locked || waited >= order.lock_wait) return outcome;
    pollfd hang_up{cancel, 0, 0};
    if (::poll(&hang_up, 1,
               static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(kLockPoll).count())) >
        0)
      return outcome;
    waited += kLockPoll;
  }
}

}  // namespace ringpost::deliver
