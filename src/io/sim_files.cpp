#include <cerrno>

#include "sim_backend.hpp"

namespace ringpost::io::sim {

namespace {

Result<void> check(std::int64_t result, const std::string& doing) {
  if (result < 0) return fail_system(static_cast<int>(-result), doing);
  return {};
}

// As a direct file demands it of every call.
bool misaligned(const OpenFile& file, const void* memory, std::size_t size, std::uint64_t offset) {
  return file.direct && (reinterpret_cast<std::uintptr_t>(memory) | size | offset) % Disk::kAlignment != 0;
}

}  // namespace

// Before each call that changes something.
Result<void> SimFiles::change(const std::string& doing) const {
  if (world_.chance.strikes(world_.chance.faults().disk.files_end)) host_.fails = true;
  if (host_.fails) return fail_system(EIO, doing);
  return {};
}

// The same for those that may fail by themselves.
Result<void> SimFiles::check_luck(const std::string& doing) const {
  RP_CHECK(change(doing));
  if (host_.disk.refuses_writes()) return fail_system(EIO, doing);
  if (world_.chance.strikes(world_.chance.faults().disk.files_error, "disk: error of a cold call"))
    return fail_system(EIO, doing);
  return {};
}

Result<OpenFile*> SimFiles::find(Handle file) const {
  const auto& open = host_.descriptors[file].file;
  if (!open) return fail_system(EBADF, "use a file");
  return open.get();
}

Result<File> SimFiles::open(const std::string& path, OpenMode mode) {
  if (host_.descriptors.full()) return fail_system(EMFILE, "open " + path);
  if (mode.create || mode.truncate) RP_CHECK(change("open " + path));
  std::int32_t error = 0;
  auto file = host_.disk.open(path, mode, error);
  if (!file) return fail_system(-error, "open " + path);
  const std::int32_t number = host_.descriptors.add({.socket = {}, .file = std::move(file)});
  return File{
      .handle = Handle{number}, .direct = mode.direct, .alignment = mode.direct ? Disk::kAlignment : 1};
}

Result<std::uint64_t> SimFiles::size(Handle file) {
  return RP_TRY(find(file))->inode->contents.size();
}

Result<void> SimFiles::zero_fill(Handle file, std::uint64_t size) {
  OpenFile* open = RP_TRY(find(file));
  RP_CHECK(check_luck("write a file"));
  static const std::vector<std::byte> zeros(static_cast<std::size_t>(kZeroChunk.count));
  for (std::uint64_t at = 0; at < size; at += zeros.size()) {
    const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(zeros.size(), size - at));
    const std::int64_t written = host_.disk.write(*open, std::span(zeros).first(length), at, true);
    if (written == -ENOSPC) world_.chance.note("disk: no space");
    RP_CHECK(check(written, "write a file"));
  }
  return sync(file);
}

Result<std::size_t> SimFiles::read_at(Handle file, std::span<std::byte> into, std::uint64_t offset) {
  const OpenFile* open = RP_TRY(find(file));
  if (misaligned(*open, into.data(), into.size(), offset)) return fail_system(EINVAL, "read a file");
  const std::int64_t count = host_.disk.read(*open, into, offset);
  RP_CHECK(check(count, "read a file"));
  return static_cast<std::size_t>(count);
}

Result<void> SimFiles::write_at(Handle file, std::span<const std::byte> bytes, std::uint64_t offset) {
  OpenFile* open = RP_TRY(find(file));
  if (misaligned(*open, bytes.data(), bytes.size(), offset)) return fail_system(EINVAL, "write a file");
  RP_CHECK(check_luck("write a file"));
  return check(host_.disk.write(*open, bytes, offset, false), "write a file");
}

Result<void> SimFiles::sync(Handle file) {
  OpenFile* open = RP_TRY(find(file));
  RP_CHECK(check_luck("make a file durable"));
  Disk::sync(*open->inode);
  return {};
}

Result<void> SimFiles::lock(Handle file) {
  OpenFile* open = RP_TRY(find(file));
  if (open->holds_lock) return {};
  if (open->inode->locked)
    return fail(Error{ErrorKind::temporary, EAGAIN, "lock a file: another process holds it"});
  open->inode->locked = open->holds_lock = true;
  return {};
}

Result<void> SimFiles::make_directory(const std::string& path) {
  RP_CHECK(change("make directory " + path));
  return check(host_.disk.make_directory(path), "make directory " + path);
}

Result<void> SimFiles::rename(const std::string& from, const std::string& to) {
  RP_CHECK(change("rename " + from + " to " + to));
  return check(host_.disk.rename(from, to), "rename " + from + " to " + to);
}

Result<void> SimFiles::unlink(const std::string& path) {
  RP_CHECK(change("remove " + path));
  return check(host_.disk.unlink(path), "remove " + path);
}

Result<void> SimFiles::remove_directory(const std::string& path) {
  RP_CHECK(change("remove directory " + path));
  return check(host_.disk.remove_directory(path), "remove directory " + path);
}

Result<void> SimFiles::sync_directory(const std::string& path) {
  RP_CHECK(check_luck("make directory " + path + " durable"));
  return check(host_.disk.sync_directory(path), "make directory " + path + " durable");
}

Result<std::vector<std::string>> SimFiles::list(const std::string& path) {
  std::vector<std::string> names;
  RP_CHECK(check(host_.disk.list(path, names), "list " + path));
  return names;
}

Result<Files::Space> SimFiles::space(const std::string& path) {
  if (!host_.disk.exists(path)) return fail_system(ENOENT, "find the space of " + path);
  return host_.disk.space();
}

}  // namespace ringpost::io::sim
