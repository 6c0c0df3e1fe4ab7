#include "sim_disk.hpp"

#include <algorithm>
#include <cerrno>

namespace ringpost::io::sim {

namespace {

constexpr std::uint64_t kDefaultCapacity = std::uint64_t{1} << 40;

void add_range(std::map<std::uint64_t, std::uint64_t>& ranges, std::uint64_t begin, std::uint64_t end) {
  auto next = ranges.upper_bound(begin);
  if (next != ranges.begin() && std::prev(next)->second >= begin) {
    --next;
    begin = next->first;
  }
  while (next != ranges.end() && next->first <= end) {
    end = std::max(end, next->second);
    next = ranges.erase(next);
  }
  ranges[begin] = end;
}

bool is_durable(const Inode& inode, std::uint64_t begin, std::uint64_t end) {
  return end <= inode.durable.size() && inode.contents.same(inode.durable, begin, end);
}

// The first name of a path, which loses it.
std::string_view next_name(std::string_view& path) {
  while (path.starts_with('/')) path.remove_prefix(1);
  const std::string_view name = path.substr(0, path.find('/'));
  path.remove_prefix(name.size());
  return name;
}

bool aligned(const Op& op) {
  if (op.offset % Disk::kAlignment != 0) return false;
  return std::ranges::all_of(std::span(op.vectors, op.vector_count), [](const iovec& vector) {
    return vector.iov_len % Disk::kAlignment == 0 &&
           reinterpret_cast<std::uintptr_t>(vector.iov_base) % Disk::kAlignment == 0;
  });
}

}  // namespace

Disk::Disk(std::uint32_t host)
    : next_inode_(std::uint64_t{host} << 32), root_(make_inode()), capacity_(kDefaultCapacity) {
  root_->is_directory = true;
}

std::shared_ptr<Inode> Disk::make_inode() {
  auto inode = std::make_shared<Inode>();
  inode->number = next_inode_++;
  return inode;
}

std::shared_ptr<Inode> Disk::find(std::string_view path) const {
  std::shared_ptr<Inode> inode = root_;
  for (auto name = next_name(path); !name.empty(); name = next_name(path)) {
    const auto found = inode->names.find(name);
    if (found == inode->names.end()) return nullptr;
    inode = found->second;
  }
  return inode;
}

Disk::Place Disk::place_of(std::string_view path) const {
  while (path.ends_with('/')) path.remove_suffix(1);
  const std::size_t slash = path.rfind('/');
  const bool alone = slash == std::string_view::npos;
  auto directory = find(alone ? std::string_view{} : path.substr(0, slash));
  if (directory && !directory->is_directory) directory = nullptr;
  return {std::move(directory), std::string(alone ? path : path.substr(slash + 1))};
}

std::shared_ptr<OpenFile> Disk::open(std::string_view path, OpenMode mode, std::int32_t& error) {
  const Place place = place_of(path);
  error = -ENOENT;
  if (!place.directory || place.name.empty()) return nullptr;
  auto found = place.directory->names.find(place.name);
  if (found == place.directory->names.end()) {
    if (!mode.create) return nullptr;
    found = place.directory->names.emplace(place.name, make_inode()).first;
  } else if (mode.create && mode.exclusive) {
    error = -EEXIST;
    return nullptr;
  }
  error = -EISDIR;
  if (found->second->is_directory) return nullptr;
  error = 0;
  Inode& inode = *found->second;
  if (mode.truncate) {
    inode.contents.clear();
    inode.dirty.clear();
  }
  auto file = std::make_shared<OpenFile>();
  file->inode = found->second;
  file->writable = mode.write;
  file->direct = mode.direct;
  return file;
}

std::int64_t Disk::read(const OpenFile& file, std::span<std::byte> into, std::uint64_t offset) const {
  const Contents& contents = file.inode->contents;
  if (offset >= contents.size()) return 0;
  const std::size_t count = std::min<std::size_t>(into.size(), contents.size() - offset);
  const auto dead = file.inode->dead_blocks.lower_bound(offset / kAlignment);
  if (dead != file.inode->dead_blocks.end() && *dead * kAlignment < offset + count) return -EIO;
  contents.read(offset, into.first(count));
  return static_cast<std::int64_t>(count);
}

std::int64_t Disk::write(OpenFile& file, std::span<const std::byte> from, std::uint64_t offset,
                         bool durable) {
  if (!file.writable) return -EBADF;
  if (file.inode->broken || refuses_) return -EIO;
  if (from.empty()) return 0;
  Inode& inode = *file.inode;
  const std::uint64_t end = offset + from.size();
  const std::uint64_t size_before = inode.contents.size();
  if (const std::int32_t error = grow(inode, end); error != 0) return error;
  inode.contents.write(offset, from);
  inode.dead_blocks.erase(inode.dead_blocks.lower_bound(offset / kAlignment),
                          inode.dead_blocks.lower_bound((end + kAlignment - 1) / kAlignment));
  add_range(inode.dirty, offset > size_before ? size_before : offset, end);  // with the zeros of a gap
  if (durable) {
    if (inode.durable.size() < end) inode.durable.resize(end);
    inode.durable.take_over(inode.contents, offset, end);
  }
  return static_cast<std::int64_t>(from.size());
}

std::int64_t Disk::transfer(OpenFile& file, const Op& op, std::uint64_t bytes_max) {
  if (file.direct && !aligned(op)) return -EINVAL;
  std::uint64_t done = 0;
  for (const iovec& vector : std::span(op.vectors, op.vector_count)) {
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(vector.iov_len, bytes_max - done));
    auto* base = static_cast<std::byte*>(vector.iov_base);
    const std::int64_t count = op.kind == OpKind::read
                                   ? read(file, {base, size}, op.offset + done)
                                   : write(file, {base, size}, op.offset + done, op.durable);
    if (count < 0) return done > 0 ? static_cast<std::int64_t>(done) : count;
    done += static_cast<std::uint64_t>(count);
    if (static_cast<std::size_t>(count) < vector.iov_len) break;
  }
  return static_cast<std::int64_t>(done);
}

void Disk::sync(Inode& inode) {
  inode.durable.resize(inode.contents.size());
  for (const auto& [begin, end] : inode.dirty) inode.durable.take_over(inode.contents, begin, end);
  inode.dirty.clear();
}

std::int32_t Disk::make_directory(std::string_view path) {
  if (const auto there = find(path)) return there->is_directory ? 0 : -EEXIST;
  const Place place = place_of(path);
  if (!place.directory) return -ENOENT;
  const auto directory = make_inode();
  directory->is_directory = true;
  place.directory->names.emplace(place.name, directory);
  return 0;
}

std::int32_t Disk::rename(std::string_view from, std::string_view to) {
  const Place source = place_of(from);
  const Place target = place_of(to);
  if (!source.directory || !target.directory) return -ENOENT;
  const auto found = source.directory->names.find(source.name);
  if (found == source.directory->names.end()) return -ENOENT;
  const std::shared_ptr<Inode> inode = found->second;
  source.directory->names.erase(found);
  target.directory->names[target.name] = inode;
  return 0;
}

std::int32_t Disk::unlink(std::string_view path) {
  const Place place = place_of(path);
  if (!place.directory) return -ENOENT;
  const auto found = place.directory->names.find(place.name);
  if (found == place.directory->names.end()) return -ENOENT;
  if (found->second->is_directory) return -EISDIR;
  place.directory->names.erase(found);
  return 0;
}

std::int32_t Disk::remove_directory(std::string_view path) {
  const Place place = place_of(path);
  if (!place.directory) return -ENOENT;
  const auto found = place.directory->names.find(place.name);
  if (found == place.directory->names.end()) return -ENOENT;
  if (!found->second->is_directory) return -ENOTDIR;
  if (!found->second->names.empty()) return -ENOTEMPTY;
  place.directory->names.erase(found);
  return 0;
}

std::int32_t Disk::sync_directory(std::string_view path) {
  const auto directory = find(path);
  if (!directory) return -ENOENT;
  if (!directory->is_directory) return -ENOTDIR;
  directory->durable_names = directory->names;
  return 0;
}

std::int32_t Disk::list(std::string_view path, std::vector<std::string>& into) const {
  const auto directory = find(path);
  if (!directory) return -ENOENT;
  if (!directory->is_directory) return -ENOTDIR;
  for (const auto& [name, inode] : directory->names) into.push_back(name);
  return 0;
}

std::int32_t Disk::grow(Inode& inode, std::uint64_t size) {
  if (size <= inode.contents.size()) return 0;
  const std::uint64_t more = size - inode.contents.size();
  const std::uint64_t taken = used(*root_);
  if (taken > capacity_ || more > capacity_ - taken) return -ENOSPC;
  inode.contents.resize(size);
  return 0;
}

std::uint64_t Disk::used(const Inode& inode) {
  std::uint64_t sum = inode.contents.size();
  for (const auto& [name, child] : inode.names) sum += used(*child);
  return sum;
}

Files::Space Disk::space() const {
  const std::uint64_t taken = used(*root_);
  return {.total = capacity_, .available = taken < capacity_ ? capacity_ - taken : 0};
}

void Disk::tear(OpenFile& file, const Op& op, Chance& chance) {
  if (!file.writable || (file.direct && !aligned(op))) return;
  const std::uint64_t whole = chance.between(0, 2);  // none, any part, all of it
  if (whole == 1) chance.note("disk: torn write");
  std::uint64_t done = 0;
  for (const iovec& vector : std::span(op.vectors, op.vector_count)) {
    const std::span from(static_cast<const std::byte*>(vector.iov_base), vector.iov_len);
    for (std::size_t at = 0; at < from.size(); at += kSimSector) {
      if (whole == 0 || (whole == 1 && chance.coin())) continue;
      const auto sector = from.subspan(at, std::min<std::size_t>(kSimSector, from.size() - at));
      (void)write(file, sector, op.offset + done + at, op.durable);
    }
    done += from.size();
  }
}

bool Disk::kill_block(std::string_view path, std::uint64_t offset) {
  const auto inode = find(path);
  if (!inode || offset >= inode->contents.size()) return false;
  inode->dead_blocks.insert(offset / kAlignment);
  return true;
}

void Disk::mend(Inode& inode) {
  inode.broken = false;
  inode.reads_well_until = {};
  for (const auto& [name, child] : inode.names) mend(*child);
}

void Disk::power_cut(Chance& chance) {
  if (chance.faults().disk.torn) keep_some(*root_, chance);
  go_back(*root_);
}

// Of what was not synced, any pages and any names.
void Disk::keep_some(Inode& inode, Chance& chance) {
  for (const auto& [begin, end] : inode.dirty)
    for (std::uint64_t at = begin; at < end;) {
      const std::uint64_t next = std::min(end, (at / kAlignment + 1) * kAlignment);
      const bool keep = chance.coin();
      if (!is_durable(inode, at, next))
        chance.note(keep ? "disk: unsynced bytes kept at a power cut"
                         : "disk: unsynced bytes lost at a power cut");
      if (keep) {
        if (inode.durable.size() < next) inode.durable.resize(next);
        inode.durable.take_over(inode.contents, at, next);
      }
      at = next;
    }
  for (const auto& [name, child] : inode.names) {
    const auto before = inode.durable_names.find(name);
    const bool same = before != inode.durable_names.end() && before->second == child;
    const bool keep = !same && chance.coin();
    if (keep) inode.durable_names[name] = child;
    if (!same)
      chance.note(keep ? "disk: unsynced name kept at a power cut"
                       : "disk: unsynced name lost at a power cut");
    keep_some(*child, chance);
  }
  std::erase_if(inode.durable_names, [&](const auto& name) {
    if (inode.names.contains(name.first)) return false;
    const bool keep = chance.coin();
    if (keep) chance.note("disk: a removed name came back at a power cut");
    return !keep;
  });
}

void Disk::go_back(Inode& inode) {
  inode.locked = false;
  inode.contents = inode.durable;
  inode.dirty.clear();
  inode.names = inode.durable_names;
  for (const auto& [name, child] : inode.names) go_back(*child);
}

}  // namespace ringpost::io::sim
