// The side of the sendmail command: a file with its final name is whole and on stable storage.
#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#include "ringpost/inject/limits.hpp"
#include "ringpost/inject/pickup_format.hpp"

#include "file_handle.hpp"

namespace ringpost::inject {

namespace {

constexpr mode_t kDirectoryMode = 03733;
constexpr mode_t kBadMode = 0700;

// In the order of time, and not to be guessed: who cannot list the directory cannot open another's file either.
std::string new_name() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  std::uint64_t random[2] = {};
  if (::getrandom(random, sizeof random, 0) != sizeof random) return {};
  return fmt::format("{:012x}-{:08x}-{:016x}{:016x}", now.tv_sec, now.tv_nsec, random[0], random[1]);
}

Result<void> write_whole(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_system(errno, "write it");
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

// The server reads by the group that the directory gives to its files. Where it gives none, the name is the protection.
Result<void> let_the_server_read(int file, int directory) {
  struct stat ours{};
  struct stat folder{};
  if (::fstat(file, &ours) != 0 || ::fstat(directory, &folder) != 0) return fail_system(errno, "look at it");
  const bool readable = ours.st_gid == folder.st_gid || ours.st_uid == folder.st_uid;
  if (::fchmod(file, readable ? 0640 : 0644) != 0) return fail_system(errno, "set its mode");
  return {};
}

// Makes the new name durable. Who may not read the directory cannot sync it alone; then all of its file system is synced.
Result<void> sync_name(const std::string& directory, int file) {
  const FileHandle readable(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const int done = readable ? ::fsync(readable.get()) : ::syncfs(file);
  if (done != 0) return fail_system(errno, "make it durable");
  return {};
}

Result<void> check(const PickupMessage& message) {
  if (message.recipients.empty()) return fail(ErrorKind::permanent, "no recipient");
  if (message.recipients.size() > kPickupRecipientsMax)
    return fail(ErrorKind::permanent, fmt::format("more than {} recipients", kPickupRecipientsMax));
  if (message.body.size() > kPickupBodyMax)
    return fail(ErrorKind::permanent,
                fmt::format("the message is larger than {}", to_string(Bytes{kPickupBodyMax})));
  return {};
}

Result<std::string> write_into(const std::string& directory, int folder, std::string_view bytes) {
  const std::string name = new_name();
  if (name.empty()) return fail_system(errno, "find a name");
  const std::string unfinished = "tmp-" + name;
  std::string finished = "mail-" + name;
  const FileHandle file(
      ::openat(folder, unfinished.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return fail_system(errno, "make a file");
  Result<void> done = let_the_server_read(file.get(), folder);
  if (done) done = write_whole(file.get(), bytes);
  if (done && ::fsync(file.get()) != 0) done = fail_system(errno, "make it durable");
  if (done && ::renameat(folder, unfinished.c_str(), folder, finished.c_str()) != 0)
    done = fail_system(errno, "give it its name");
  if (!done) {
    ::unlinkat(folder, unfinished.c_str(), 0);
    return fail(std::move(done).error());
  }
  // The server may have taken it by now. A failure here is a warning too late: the caller would send it twice.
  if (auto synced = sync_name(directory, file.get()); !synced) {
    if (::unlinkat(folder, finished.c_str(), 0) == 0) return fail(std::move(synced).error());
  }
  return finished;
}

}  // namespace

Result<void> prepare_pickup(const std::string& directory, std::uint32_t uid, std::uint32_t gid) {
  const auto prepare = [&](const std::string& path, mode_t mode) -> Result<void> {
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return fail_system(errno, "make " + path);
    const FileHandle folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder) return fail_system(errno, "open " + path);
    if (::geteuid() == 0 && ::fchown(folder.get(), uid, gid) != 0)
      return fail_system(errno, "give away " + path);
    struct stat found{};
    if (::fstat(folder.get(), &found) != 0) return fail_system(errno, "look at " + path);
    if ((found.st_mode & 07777U) != mode && ::fchmod(folder.get(), mode) != 0)
      return fail_system(errno, "set the mode of " + path);
    return {};
  };
  RP_CHECK(prepare(directory, kDirectoryMode));
  return prepare(directory + "/bad", kBadMode);
}

Result<std::string> write_pickup(const std::string& directory, const PickupMessage& message) {
  RP_CHECK(check(message));
  const std::string bytes = format_pickup(message);
  // What a reader would refuse is refused here, where somebody can put it right.
  if (auto parsed = parse_pickup(bytes); !parsed) return fail(std::move(parsed).error());
  const FileHandle folder(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return fail(system_error(errno, "open the pickup directory " + directory));
  auto name = write_into(directory, folder.get(), bytes);
  if (!name) return fail(std::move(name).error().in("pickup directory " + directory));
  return name;
}

}  // namespace ringpost::inject
