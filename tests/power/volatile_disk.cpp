#include "volatile_disk.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>
#include <utility>

#include <sys/mman.h>

namespace ringpost::power {

namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::array<std::string_view, kManners> kNames{"drop", "keep", "prefix", "subset", "shuffle"};

// Not a distribution of the library: a seed must mean the same everywhere.
std::uint64_t below(std::mt19937_64& random, std::uint64_t limit) {
  return random() % limit;
}

template <class Items>
void shuffle(Items& items, std::mt19937_64& random) {
  for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(random, i)]);
}

}  // namespace

std::string_view name_of(Manner manner) {
  return kNames.at(static_cast<std::size_t>(manner));
}

std::optional<Manner> manner_of(std::string_view name) {
  const auto found = std::ranges::find(kNames, name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<Manner>(found - kNames.begin());
}

SparseImage::SparseImage(std::uint64_t size) : size_(size) {
  void* memory =
      ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw std::runtime_error("no memory for the image of a disk");
  bytes_ = static_cast<std::byte*>(memory);
}

SparseImage::~SparseImage() {
  ::munmap(bytes_, size_);
}

std::span<std::byte> SparseImage::at(std::uint64_t offset, std::uint64_t size) const {
  return {bytes_ + offset, size};
}

// Whole pages are given back.
void SparseImage::zero(std::uint64_t offset, std::uint64_t size) const {
  const std::uint64_t end = offset + size;
  const std::uint64_t first = (offset + kPage - 1) / kPage * kPage;
  const std::uint64_t last = end / kPage * kPage;
  if (first >= last) {
    std::memset(bytes_ + offset, 0, size);
    return;
  }
  std::memset(bytes_ + offset, 0, first - offset);
  if (::madvise(bytes_ + first, last - first, MADV_DONTNEED) != 0)
    std::memset(bytes_ + first, 0, last - first);
  std::memset(bytes_ + last, 0, end - last);
}

bool VolatileDisk::is_inside(std::uint64_t offset, std::uint64_t size) const {
  return offset <= size_ && size <= size_ - offset;
}

bool VolatileDisk::answers() {
  if (!on_) ++figures_.refused;
  return on_;
}

bool VolatileDisk::read(std::span<std::byte> into, std::uint64_t offset) {
  const std::lock_guard guard(lock_);
  if (!answers() || !is_inside(offset, into.size())) return false;
  std::ranges::copy(now_.at(offset, into.size()), into.begin());
  return true;
}

bool VolatileDisk::write(std::span<const std::byte> bytes, std::uint64_t offset) {
  const std::lock_guard guard(lock_);
  if (!answers() || !is_inside(offset, bytes.size())) return false;
  std::ranges::copy(bytes, now_.at(offset, bytes.size()).begin());
  return take({offset, bytes.size(), {bytes.begin(), bytes.end()}});
}

bool VolatileDisk::zero(std::uint64_t offset, std::uint64_t size) {
  const std::lock_guard guard(lock_);
  if (!answers() || !is_inside(offset, size)) return false;
  now_.zero(offset, size);
  return take({offset, size, {}});
}

bool VolatileDisk::take(Write write) {
  ++figures_.writes;
  unsynced_bytes_ += write.bytes.size();
  unsynced_.push_back(std::move(write));
  while (unsynced_bytes_ > kUnsyncedBytesMax && !lying_) {
    make_durable(unsynced_.front());
    unsynced_bytes_ -= unsynced_.front().bytes.size();
    unsynced_.pop_front();
  }
  return !is_time_to_cut();
}

bool VolatileDisk::is_time_to_cut() {
  if (!armed_ || --armed_->operations != 0) return false;
  last_cut_ = cut_now(armed_->seed, armed_->manner);
  armed_.reset();
  was_cut_.notify_all();
  return true;
}

bool VolatileDisk::flush() {
  const std::lock_guard guard(lock_);
  if (!answers()) return false;
  ++figures_.flushes;
  if (is_time_to_cut()) return false;
  if (lying_) return true;
  for (const Write& write : unsynced_) make_durable(write);
  unsynced_.clear();
  unsynced_bytes_ = 0;
  return true;
}

void VolatileDisk::make_durable(const Write& write) {
  if (write.bytes.empty()) return durable_.zero(write.offset, write.size);
  std::ranges::copy(write.bytes, durable_.at(write.offset, write.size).begin());
}

void VolatileDisk::make_durable(const Write& write, const Sectors& sectors) {
  for (std::size_t i = 0; i < sectors.size(); ++i) {
    if (!sectors[i]) continue;
    const std::uint64_t start = i * kSector;
    const std::uint64_t size = std::min(kSector, write.size - start);
    if (write.bytes.empty())
      durable_.zero(write.offset + start, size);
    else
      std::ranges::copy(std::span(write.bytes).subspan(start, size),
                        durable_.at(write.offset + start, size).begin());
  }
}

// The first sectors, the last ones, or some. A write of one sector is never torn.
VolatileDisk::Sectors VolatileDisk::tear(const Write& write, std::mt19937_64& random) {
  Sectors sectors((write.size + kSector - 1) / kSector);
  const std::uint64_t kind = below(random, 3);
  const std::uint64_t middle = below(random, sectors.size() + 1);
  for (std::size_t i = 0; i < sectors.size(); ++i)
    sectors[i] = kind == 0 ? i < middle : kind == 1 ? i >= middle : below(random, 2) == 0;
  return sectors;
}

CutReport VolatileDisk::cut(std::uint64_t seed, std::optional<Manner> manner) {
  const std::lock_guard guard(lock_);
  return cut_now(seed, manner);
}

std::optional<CutReport> VolatileDisk::cut_after(std::uint64_t operations, std::uint64_t seed,
                                                 std::optional<Manner> manner,
                                                 std::chrono::milliseconds patience) {
  if (operations == 0) return cut(seed, manner);
  std::unique_lock guard(lock_);
  last_cut_.reset();
  armed_ = {operations, seed, manner};
  was_cut_.wait_for(guard, patience, [&] { return last_cut_.has_value(); });
  armed_.reset();
  return last_cut_;
}

CutReport VolatileDisk::cut_now(std::uint64_t seed, std::optional<Manner> manner) {
  std::mt19937_64 random(seed);
  const auto chosen = static_cast<Manner>(below(random, kManners));
  CutReport report{.manner = manner.value_or(chosen)};
  switch (report.manner) {
    case Manner::drop:
      report.dropped = unsynced_.size();
      break;
    case Manner::keep:
      for (const Write& write : unsynced_) make_durable(write);
      report.kept = unsynced_.size();
      break;
    case Manner::prefix:
      cut_prefix(random, report);
      break;
    case Manner::shuffle:
      shuffle(unsynced_, random);
      [[fallthrough]];
    case Manner::subset:
      cut_each(random, report);
      break;
  }
  ++figures_.cuts;
  forget_unsynced();
  on_ = false;
  return report;
}

void VolatileDisk::cut_prefix(std::mt19937_64& random, CutReport& report) {
  report.kept = below(random, unsynced_.size() + 1);
  for (std::size_t i = 0; i < report.kept; ++i) make_durable(unsynced_[i]);
  if (report.kept == unsynced_.size()) return;
  const Write& last = unsynced_[report.kept];
  make_durable(last, tear(last, random));
  report.torn = 1;
  report.dropped = unsynced_.size() - report.kept - 1;
}

// How likely a write is lost differs from cut to cut, so that few and many are.
void VolatileDisk::cut_each(std::mt19937_64& random, CutReport& report) {
  const std::uint64_t lost_of_ten = 1 + below(random, 9);
  for (const Write& write : unsynced_) {
    if (below(random, 10) < lost_of_ten) {
      ++report.dropped;
    } else if (below(random, 3) == 0) {
      make_durable(write, tear(write, random));
      ++report.torn;
    } else {
      make_durable(write);
      ++report.kept;
    }
  }
}

// A reader sees what is durable.
void VolatileDisk::forget_unsynced() {
  for (const Write& write : unsynced_)
    std::ranges::copy(durable_.at(write.offset, write.size), now_.at(write.offset, write.size).begin());
  unsynced_.clear();
  unsynced_bytes_ = 0;
}

void VolatileDisk::power_on() {
  const std::lock_guard guard(lock_);
  on_ = true;
}

void VolatileDisk::set_lying(bool lying) {
  const std::lock_guard guard(lock_);
  lying_ = lying;
}

DiskFigures VolatileDisk::figures() {
  const std::lock_guard guard(lock_);
  return figures_;
}

}  // namespace ringpost::power
