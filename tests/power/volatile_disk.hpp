// A disk whose power can be cut: what was written and not flushed is kept apart from what is durable.
//
// A cut leaves of each 512-byte sector what any disk with a volatile cache may leave: one of the versions that were written since
// the last flush, or the one before them. Which, a seed says. Then nothing answers until the power is back.
//
// Limits: kUnsyncedBytesMax; beyond it the oldest write becomes durable, as a disk does whose cache is full. Not while it lies: then
// nothing becomes durable, and who makes it lie must not do so for long.
// Safe to call from any thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <random>
#include <span>
#include <string_view>
#include <vector>

namespace ringpost::power {

inline constexpr std::uint64_t kSector = 512;
inline constexpr std::uint64_t kUnsyncedBytesMax = 64ULL << 20;

// What becomes of the unsynced writes.
enum class Manner {
  drop,     // none of them is there
  keep,     // all are
  prefix,   // the oldest are, one is torn, the others are not
  subset,   // each is there, torn or not there
  shuffle,  // the same, and an older write may come out on top of a newer one
};
inline constexpr std::size_t kManners = 5;
std::string_view name_of(Manner manner);
std::optional<Manner> manner_of(std::string_view name);

struct CutReport {
  Manner manner = Manner::drop;
  std::size_t kept = 0;
  std::size_t torn = 0;
  std::size_t dropped = 0;
};

struct DiskFigures {
  std::uint64_t writes = 0;
  std::uint64_t flushes = 0;
  std::uint64_t cuts = 0;
  std::uint64_t refused = 0;  // asked while the power was off
};

// Zeros to begin with, and memory only where something else was written.
class SparseImage {
 public:
  explicit SparseImage(std::uint64_t size);
  ~SparseImage();
  SparseImage(const SparseImage&) = delete;
  SparseImage& operator=(const SparseImage&) = delete;
  std::span<std::byte> at(std::uint64_t offset, std::uint64_t size) const;
  void zero(std::uint64_t offset, std::uint64_t size) const;

 private:
  std::byte* bytes_;
  std::uint64_t size_;
};

class VolatileDisk {
 public:
  explicit VolatileDisk(std::uint64_t size) : size_(size), now_(size), durable_(size) {}
  std::uint64_t size() const { return size_; }

  // False: the power is off, or that is outside the disk.
  bool read(std::span<std::byte> into, std::uint64_t offset);
  bool write(std::span<const std::byte> bytes, std::uint64_t offset);
  bool zero(std::uint64_t offset, std::uint64_t size);
  bool flush();

  // The same seed leaves the same, if the same was written. Without a manner the seed chooses that too.
  CutReport cut(std::uint64_t seed, std::optional<Manner> manner = {});
  // The same behind so many further writes and flushes: behind a write before it is answered, or in the place of a flush. Waits for
  // it, but not longer than `patience`: then nothing is cut.
  std::optional<CutReport> cut_after(std::uint64_t operations, std::uint64_t seed,
                                     std::optional<Manner> manner, std::chrono::milliseconds patience);
  void power_on();
  // From now on a flush is answered and does nothing: no promise over such a disk can hold.
  void set_lying(bool lying);
  DiskFigures figures();

 private:
  struct Write {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    std::vector<std::byte> bytes;  // empty: zeros
  };
  struct Armed {
    std::uint64_t operations = 0;  // to go
    std::uint64_t seed = 0;
    std::optional<Manner> manner;
  };
  // Which sectors of a write have reached the disk.
  using Sectors = std::vector<bool>;

  bool is_inside(std::uint64_t offset, std::uint64_t size) const;
  bool answers();
  // False: the power went with it.
  bool take(Write write);
  bool is_time_to_cut();
  CutReport cut_now(std::uint64_t seed, std::optional<Manner> manner);
  void make_durable(const Write& write);
  void make_durable(const Write& write, const Sectors& sectors);
  static Sectors tear(const Write& write, std::mt19937_64& random);
  void cut_prefix(std::mt19937_64& random, CutReport& report);
  void cut_each(std::mt19937_64& random, CutReport& report);
  void forget_unsynced();

  const std::uint64_t size_;
  std::mutex lock_;
  SparseImage now_;      // what a reader sees
  SparseImage durable_;  // what a cut leaves of it for certain
  std::deque<Write> unsynced_;
  std::uint64_t unsynced_bytes_ = 0;
  std::optional<Armed> armed_;
  std::optional<CutReport> last_cut_;
  std::condition_variable was_cut_;
  bool on_ = true;
  bool lying_ = false;
  DiskFigures figures_;
};

}  // namespace ringpost::power
