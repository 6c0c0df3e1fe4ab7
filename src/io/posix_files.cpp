#include "posix_files.hpp"

#include <algorithm>
#include <cerrno>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "ringpost/io/limits.hpp"

// The kernel's value; the C library of Debian 12 does not define it.
#ifndef STATX_DIOALIGN
#define STATX_DIOALIGN 0x00002000U
#endif

namespace ringpost::io {

namespace {

// What every disk in use takes: a physical block of an "advanced format" disk.
constexpr std::uint32_t kSafeAlignment = 4096;

// The tail of `struct statx` with the two fields that Linux 6.1 added; older C libraries call them spare.
struct DirectAlignment {
  std::uint32_t memory = 0;
  std::uint32_t offset = 0;
};

DirectAlignment direct_alignment(int descriptor) {
  constexpr std::size_t kMemoryField = 0x98;  // offset of stx_dio_mem_align; stx_dio_offset_align follows
  struct statx facts{};
  static_assert(sizeof facts >= kMemoryField + 8);
  if (::statx(descriptor, "", AT_EMPTY_PATH, STATX_DIOALIGN, &facts) != 0) return {};
  if ((facts.stx_mask & STATX_DIOALIGN) == 0) return {};
  DirectAlignment alignment;
  std::memcpy(&alignment, reinterpret_cast<const std::byte*>(&facts) + kMemoryField, sizeof alignment);
  return alignment;
}

int open_flags(const OpenMode& mode) {
  // O_NONBLOCK: to open a pipe must not wait for who writes into it.
  return (mode.write ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK | (mode.create ? O_CREAT : 0) |
         (mode.create && mode.exclusive ? O_EXCL : 0) | (mode.truncate ? O_TRUNC : 0);
}

bool is_direct(int descriptor) {
  const int flags = ::fcntl(descriptor, F_GETFL);
  return flags >= 0 && (flags & O_DIRECT) != 0;
}

// And as they should be in use: a file that may not block is not read when its pages are elsewhere.
bool is_file(int descriptor) {
  struct stat facts{};
  if (::fstat(descriptor, &facts) != 0 || !(S_ISREG(facts.st_mode) || S_ISCHR(facts.st_mode))) return false;
  const int flags = ::fcntl(descriptor, F_GETFL);
  return flags >= 0 && ::fcntl(descriptor, F_SETFL, flags & ~O_NONBLOCK) == 0;
}

template <class Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

// An anonymous mapping: page-aligned zeros without touching a page for reading twice.
struct Zeros {
  Zeros()
      : data(::mmap(nullptr, kZeroChunk.count, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1,
                    0)) {}
  ~Zeros() {
    if (data != MAP_FAILED) ::munmap(data, kZeroChunk.count);
  }
  Zeros(const Zeros&) = delete;
  Zeros& operator=(const Zeros&) = delete;
  void* data;
};

}  // namespace

Result<File> PosixFiles::open(const std::string& path, OpenMode mode) {
  const int flags = open_flags(mode);
  int descriptor = -1;
  if (mode.direct) {
    // A file system that refuses O_DIRECT may have made the file before it said so.
    descriptor = uninterrupted([&] { return ::open(path.c_str(), flags | O_DIRECT, 0600); });
    if (descriptor < 0 && errno == EINVAL)
      descriptor = uninterrupted([&] { return ::open(path.c_str(), flags & ~O_EXCL, 0600); });
  } else {
    descriptor = uninterrupted([&] { return ::open(path.c_str(), flags, 0600); });
  }
  if (descriptor < 0) return fail_system(errno, fmt::format("open {}", path));
  if (!is_file(descriptor)) {
    ::close(descriptor);
    return fail(Error{ErrorKind::permanent, EISDIR, fmt::format("open {}: it is no file", path)});
  }
  File file{.handle = Handle{descriptor}};
  file.direct = mode.direct && is_direct(descriptor);
  if (file.direct) {
    const DirectAlignment alignment = direct_alignment(descriptor);
    file.alignment = std::max(alignment.memory, alignment.offset);
    if (file.alignment == 0) file.alignment = kSafeAlignment;
  }
  return file;
}

void PosixFiles::close(Handle file) {
  ::close(file.value);
}

Result<std::uint64_t> PosixFiles::size(Handle file) {
  struct stat facts{};
  if (::fstat(file.value, &facts) != 0) return fail_system(errno, "find the size of a file");
  return static_cast<std::uint64_t>(facts.st_size);
}

Result<void> PosixFiles::zero_fill(Handle file, std::uint64_t size) {
  const Zeros zeros;
  if (zeros.data == MAP_FAILED) return fail_system(errno, "zero a file");
  const auto* bytes = static_cast<const std::byte*>(zeros.data);
  for (std::uint64_t at = 0; at < size;) {
    const auto length = static_cast<std::size_t>(std::min(kZeroChunk.count, size - at));
    RP_CHECK(write_at(file, {bytes, length}, at));
    at += length;
  }
  return sync(file);
}

Result<std::size_t> PosixFiles::read_at(Handle file, std::span<std::byte> into, std::uint64_t offset) {
  std::size_t done = 0;
  while (done < into.size()) {
    const auto count = uninterrupted([&] {
      return ::pread(file.value, into.data() + done, into.size() - done, static_cast<off_t>(offset + done));
    });
    if (count < 0) return fail_system(errno, "read a file");
    done += static_cast<std::size_t>(count);
    // After a short read a direct file may not be asked at the odd offset: it is the end.
    if (count == 0 || (done < into.size() && is_direct(file.value))) break;
  }
  return done;
}

Result<void> PosixFiles::write_at(Handle file, std::span<const std::byte> bytes, std::uint64_t offset) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const auto count = uninterrupted([&] {
      return ::pwrite(file.value, bytes.data() + done, bytes.size() - done,
                      static_cast<off_t>(offset + done));
    });
    if (count < 0) return fail_system(errno, "write a file");
    done += static_cast<std::size_t>(count);
  }
  return {};
}

Result<void> PosixFiles::sync(Handle file) {
  // Never repeated after an error: the kernel marks the lost pages clean and the second call would succeed.
  if (::fsync(file.value) != 0) return fail_system(errno, "make a file durable");
  return {};
}

Result<void> PosixFiles::lock(Handle file) {
  // Belongs to the open file, not to the process, so two shards of one process exclude each other too.
  struct flock whole{};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  if (::fcntl(file.value, F_OFD_SETLK, &whole) == 0) return {};
  if (errno == EAGAIN || errno == EACCES)
    return fail(Error{ErrorKind::temporary, errno, "lock a file: another process holds it"});
  return fail_system(errno, "lock a file");
}

Result<void> PosixFiles::make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0) return {};
  const int error = errno;
  struct stat facts{};
  if (error == EEXIST && ::stat(path.c_str(), &facts) == 0 && S_ISDIR(facts.st_mode)) return {};
  return fail_system(error, fmt::format("make directory {}", path));
}

// Only root gives files away; what another user makes is his own.
Result<void> PosixFiles::own_like(const std::string& path, const std::string& like) {
  if (::geteuid() != 0) return {};
  struct stat facts{};
  if (::stat(like.c_str(), &facts) != 0) return fail_system(errno, fmt::format("find the owner of {}", like));
  if (::lchown(path.c_str(), facts.st_uid, facts.st_gid) != 0)
    return fail_system(errno, fmt::format("give {} to its owner", path));
  return {};
}

Result<void> PosixFiles::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0)
    return fail_system(errno, fmt::format("rename {} to {}", from, to));
  return {};
}

Result<void> PosixFiles::unlink(const std::string& path) {
  if (::unlink(path.c_str()) != 0) return fail_system(errno, fmt::format("remove {}", path));
  return {};
}

Result<void> PosixFiles::remove_directory(const std::string& path) {
  if (::rmdir(path.c_str()) != 0) return fail_system(errno, fmt::format("remove directory {}", path));
  return {};
}

Result<void> PosixFiles::sync_directory(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return fail_system(errno, fmt::format("open directory {}", path));
  const int result = ::fsync(descriptor);
  const int error = errno;
  ::close(descriptor);
  if (result != 0) return fail_system(error, fmt::format("make directory {} durable", path));
  return {};
}

Result<std::vector<std::string>> PosixFiles::list(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.c_str()), ::closedir);
  if (!directory) return fail_system(errno, fmt::format("list {}", path));
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(directory.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return fail_system(errno, fmt::format("list {}", path));
  std::ranges::sort(names);
  return names;
}

Result<Files::Space> PosixFiles::space(const std::string& path) {
  struct statvfs facts{};
  if (::statvfs(path.c_str(), &facts) != 0)
    return fail_system(errno, fmt::format("find the space of {}", path));
  return Space{.total = facts.f_blocks * facts.f_frsize, .available = facts.f_bavail * facts.f_frsize};
}

}  // namespace ringpost::io
