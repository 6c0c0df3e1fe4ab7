// A disk of the simulated world: a tree of files whose contents and names have a durable past and a volatile present.
//
// Layer:  io, private. Results are as the kernel's: >= 0 or -errno.
// Model:  a write is in the page cache until it or its file is made durable; a name is in the cache until its directory
//         is synced. power_cut() goes back to what is durable; with the fault `torn`, any part of the rest stays.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/io/backend.hpp"

#include "sim_chance.hpp"
#include "sim_contents.hpp"

namespace ringpost::io::sim {

struct Inode {
  std::uint64_t number = 0;
  bool is_directory = false;
  bool locked = false;
  bool broken = false;                  // no write succeeds
  std::set<std::uint64_t> dead_blocks;  // of kAlignment: no read succeeds until something is written there
  Instant reads_well_until;             // what went wrong with a read does not go wrong again at once
  Contents contents;
  Contents durable;
  std::map<std::uint64_t, std::uint64_t> dirty;  // ranges of contents that differ from durable: begin -> end
  using Names = std::map<std::string, std::shared_ptr<Inode>, std::less<>>;
  Names names;
  Names durable_names;
};

// An open file. Its lock goes with it.
struct OpenFile {
  std::shared_ptr<Inode> inode;
  bool writable = false;
  bool direct = false;
  bool holds_lock = false;
  ~OpenFile() {
    if (holds_lock) inode->locked = false;
  }
};

class Disk {
 public:
  static constexpr std::uint32_t kAlignment = 4096;

  explicit Disk(std::uint32_t host);
  std::shared_ptr<OpenFile> open(std::string_view path, OpenMode mode, std::int32_t& error);
  // -EIO when a dead block is among them.
  std::int64_t read(const OpenFile& file, std::span<std::byte> into, std::uint64_t offset) const;
  std::int64_t write(OpenFile& file, std::span<const std::byte> from, std::uint64_t offset, bool durable);
  // The same for vectors, `bytes_max` at the most; -EINVAL when a direct file's are not aligned.
  std::int64_t transfer(OpenFile& file, const Op& op, std::uint64_t bytes_max);
  // A write of which any sectors got to the disk, and nobody knows which.
  void tear(OpenFile& file, const Op& op, Chance& chance);
  // The block at `offset` cannot be read any more. False: there is no such block.
  bool kill_block(std::string_view path, std::uint64_t offset);
  // A disk without faults again.
  void mend() { mend(*root_); }
  static void sync(Inode& inode);

  std::int32_t make_directory(std::string_view path);
  std::int32_t rename(std::string_view from, std::string_view to);
  std::int32_t unlink(std::string_view path);
  std::int32_t remove_directory(std::string_view path);
  std::int32_t sync_directory(std::string_view path);
  std::int32_t list(std::string_view path, std::vector<std::string>& into) const;
  bool exists(std::string_view path) const { return find(path) != nullptr; }

  void limit(Bytes capacity) { capacity_ = capacity.count; }
  // -EIO to every write and sync, whatever the file, until it is said again.
  void refuse_writes(bool refuse) { refuses_ = refuse; }
  bool refuses_writes() const { return refuses_; }
  Files::Space space() const;
  void power_cut(Chance& chance);

 private:
  struct Place {  // where a name is or would be
    std::shared_ptr<Inode> directory;
    std::string name;
  };
  std::shared_ptr<Inode> find(std::string_view path) const;
  Place place_of(std::string_view path) const;
  std::int32_t grow(Inode& inode, std::uint64_t size);
  static std::uint64_t used(const Inode& inode);
  static void keep_some(Inode& inode, Chance& chance);
  static void go_back(Inode& inode);
  static void mend(Inode& inode);
  std::shared_ptr<Inode> make_inode();
  std::uint64_t next_inode_;
  std::shared_ptr<Inode> root_;
  std::uint64_t capacity_;
  bool refuses_ = false;
};

}  // namespace ringpost::io::sim
