#include "pickup_file.hpp"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ringpost/inject/limits.hpp"

#include "file_handle.hpp"

namespace ringpost::inject {

namespace {

bool is_old(int directory, const char* name) {
  struct stat found{};
  if (::fstatat(directory, name, &found, AT_SYMLINK_NOFOLLOW) != 0) return false;
  return S_ISREG(found.st_mode) &&
         std::time(nullptr) - found.st_mtime >
             std::chrono::duration_cast<std::chrono::seconds>(kPickupUnfinishedMax).count();
}

std::string name_of(std::uint32_t uid) {
  std::vector<char> buffer(16 * 1024);
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return {};
  return found->pw_name;
}

Result<std::string> read_whole(int file, std::size_t size) {
  std::string bytes(size, '\0');
  std::size_t done = 0;
  while (done < size) {
    const ssize_t count = ::pread(file, bytes.data() + done, size - done, static_cast<off_t>(done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return fail_system(errno, "read it");
    if (count == 0) return fail(ErrorKind::permanent, "it became shorter while it was read");
    done += static_cast<std::size_t>(count);
  }
  return bytes;
}

}  // namespace

Result<std::vector<std::string>> list_pickup(const std::string& directory, std::size_t limit,
                                             const std::unordered_set<std::string>& passed_over) {
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir(directory.c_str()), &::closedir);
  if (entries == nullptr) return fail_system(errno, "list " + directory);
  std::vector<std::string> names;
  for (std::size_t seen = 0; seen < kPickupEntriesMax; ++seen) {
    const dirent* entry = ::readdir(entries.get());
    if (entry == nullptr) break;
    const std::string name = entry->d_name;
    if (is_pickup_name(name)) {
      if (!passed_over.contains(name)) names.push_back(name);
    } else if (name.starts_with("tmp-") && is_old(::dirfd(entries.get()), entry->d_name)) {
      ::unlinkat(::dirfd(entries.get()), entry->d_name, 0);
    }
  }
  std::ranges::sort(names);
  if (names.size() > limit) names.resize(limit);
  return names;
}

Result<PickupFile> read_pickup(const std::string& directory, const std::string& name, std::size_t size_max) {
  const FileHandle file(
      ::open((directory + "/" + name).c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file) {
    if (errno == ENOENT) return fail(ErrorKind::closed, "it is gone");
    return fail_system(errno, "open it");  // a symbolic link too: permanent
  }
  struct stat found{};
  if (::fstat(file.get(), &found) != 0) return fail_system(errno, "look at it");
  if (!S_ISREG(found.st_mode)) return fail(ErrorKind::permanent, "it is no plain file");
  // A second name would be somebody else's file, given away by a link.
  if (found.st_nlink != 1) return fail(ErrorKind::permanent, "it has more than one name");
  if (static_cast<std::uint64_t>(found.st_size) > std::min(size_max, kPickupBodyMax) + kPickupHeaderMax)
    return fail(ErrorKind::permanent, "it is too large");
  const std::string bytes = RP_TRY(read_whole(file.get(), static_cast<std::size_t>(found.st_size)));
  PickupFile read{
      .owner = found.st_uid, .owner_name = name_of(found.st_uid), .message = RP_TRY(parse_pickup(bytes))};
  if (read.message.body.size() > size_max) return fail(ErrorKind::permanent, "its message is too large");
  read.message.body = with_crlf(read.message.body);
  return read;
}

Result<void> move_to_bad(const std::string& directory, const std::string& name) {
  if (::rename((directory + "/" + name).c_str(), (directory + "/bad/" + name).c_str()) == 0) return {};
  return fail_system(errno, "move " + name + " to " + directory + "/bad");
}

Result<void> delete_pickup(const std::string& directory, const std::string& name) {
  if (::unlink((directory + "/" + name).c_str()) == 0 || errno == ENOENT) return {};
  return fail_system(errno, "delete " + directory + "/" + name);
}

std::string with_crlf(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 32 + 2);
  while (!text.empty()) {
    const std::size_t end = text.find_first_of("\r\n");
    out += text.substr(0, end);
    if (end == std::string_view::npos) break;
    text.remove_prefix(text.substr(end).starts_with("\r\n") ? end + 2 : end + 1);
    out += "\r\n";
  }
  if (!out.empty() && !out.ends_with('\n')) out += "\r\n";
  return out;
}

}  // namespace ringpost::inject
