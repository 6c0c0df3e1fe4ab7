#include "ringpost/store/ids.hpp"

#include <fmt/format.h>

namespace ringpost::store {

// FNV-1a, then mixed as MurmurHash3 ends, so that all bits depend on all bytes.
UserId user_id_of(std::string_view name) {
  std::uint64_t hash = 0xCBF29CE484222325U;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  hash = (hash ^ hash >> 33) * 0xFF51AFD7ED558CCDU;
  hash = (hash ^ hash >> 33) * 0xC4CEB9FE1A85EC53U;
  hash ^= hash >> 33;
  return {hash == 0 ? 1 : hash};
}

std::string object_id(UserId user, MailboxId mailbox) {
  return fmt::format("F{:016x}-{}", user.value, mailbox.value);
}
std::string email_object_id(BlobId blob) {
  return "M" + to_string(blob);
}
std::string thread_object_id(std::uint64_t thread) {
  return fmt::format("T{:016x}", thread);
}

void UidSet::append(UidRange range) {
  if (ranges_.empty() ||
      (ranges_.back().last < range.first && ranges_.back().last.value + 1 < range.first.value)) {
    ranges_.push_back(range);
    return;
  }
  if (range.first < ranges_.back().first) return add(range);
  ranges_.back().last = std::max(ranges_.back().last, range.last);
}

void UidSet::add(UidRange range) {
  // The first that is not wholly below and apart from it.
  auto at = std::ranges::partition_point(ranges_, [&](const UidRange& each) {
    return each.last.value < range.first.value && range.first.value - each.last.value > 1;
  });
  auto end = at;
  while (end != ranges_.end() && (end->first <= range.last || end->first.value - range.last.value == 1)) {
    range.first = std::min(range.first, end->first);
    range.last = std::max(range.last, end->last);
    ++end;
  }
  at = ranges_.erase(at, end);
  ranges_.insert(at, range);
}

bool UidSet::contains(Uid uid) const {
  const auto at =
      std::ranges::partition_point(ranges_, [&](const UidRange& each) { return each.last < uid; });
  return at != ranges_.end() && at->first <= uid;
}

std::uint64_t UidSet::count() const {
  std::uint64_t sum = 0;
  for (const UidRange& range : ranges_) sum += std::uint64_t{range.last.value} - range.first.value + 1;
  return sum;
}

}  // namespace ringpost::store
