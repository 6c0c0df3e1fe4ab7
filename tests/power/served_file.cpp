#include "served_file.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#define FUSE_USE_VERSION 35
#include <fuse.h>
#include <linux/falloc.h>

namespace ringpost::power {

namespace {

VolatileDisk& disk() {
  return *static_cast<VolatileDisk*>(fuse_get_context()->private_data);
}

bool is_file(const char* path) {
  return std::string_view(path) == kFilePath;
}

void* on_init(fuse_conn_info*, fuse_config* config) {
  config->direct_io = 1;
  config->kernel_cache = 0;
  config->entry_timeout = config->attr_timeout = 1e6;  // neither name nor size changes
  return fuse_get_context()->private_data;
}

int on_getattr(const char* path, struct stat* into, fuse_file_info*) {
  std::memset(into, 0, sizeof *into);
  if (std::string_view(path) == "/") {
    into->st_mode = S_IFDIR | 0700;
    into->st_nlink = 2;
    return 0;
  }
  if (!is_file(path)) return -ENOENT;
  into->st_mode = S_IFREG | 0600;
  into->st_nlink = 1;
  into->st_size = static_cast<off_t>(disk().size());
  into->st_blocks = into->st_size / static_cast<off_t>(kSector);
  return 0;
}

int on_readdir(const char*, void* into, fuse_fill_dir_t fill, off_t, fuse_file_info*, fuse_readdir_flags) {
  for (const char* name : {".", "..", kFilePath + 1})
    fill(into, name, nullptr, 0, static_cast<fuse_fill_dir_flags>(0));
  return 0;
}

int on_open(const char* path, fuse_file_info*) {
  return is_file(path) ? 0 : -ENOENT;
}

int on_read(const char*, char* into, std::size_t size, off_t offset, fuse_file_info*) {
  const auto start = static_cast<std::uint64_t>(offset);
  if (start >= disk().size()) return 0;
  size = std::min<std::uint64_t>(size, disk().size() - start);
  if (!disk().read(std::as_writable_bytes(std::span(into, size)), start)) return -EIO;
  return static_cast<int>(size);
}

int on_write(const char*, const char* bytes, std::size_t size, off_t offset, fuse_file_info*) {
  if (!disk().write(std::as_bytes(std::span(bytes, size)), static_cast<std::uint64_t>(offset))) return -EIO;
  return static_cast<int>(size);
}

int on_fsync(const char*, int, fuse_file_info*) {
  return disk().flush() ? 0 : -EIO;
}

// What the loop device makes of a discard and of a write of zeros.
int on_fallocate(const char*, int mode, off_t offset, off_t size, fuse_file_info*) {
  if ((mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) == 0) return -EOPNOTSUPP;
  const bool done = disk().zero(static_cast<std::uint64_t>(offset), static_cast<std::uint64_t>(size));
  return done ? 0 : -EIO;
}

}  // namespace

int serve_file(VolatileDisk& served, const std::string& mount_point) {
  fuse_operations operations{};
  operations.init = on_init;
  operations.getattr = on_getattr;
  operations.readdir = on_readdir;
  operations.open = on_open;
  operations.read = on_read;
  operations.write = on_write;
  operations.fsync = on_fsync;
  operations.fallocate = on_fallocate;
  // In the foreground, and one request after the other: the order of writes and flushes is that of the kernel.
  std::array<std::string, 4> words{"power_disk", "-f", "-s", mount_point};
  std::array<char*, words.size()> arguments{};
  for (std::size_t i = 0; i < words.size(); ++i) arguments[i] = words[i].data();
  return fuse_main(static_cast<int>(arguments.size()), arguments.data(), &operations, &served);
}

}  // namespace ringpost::power
