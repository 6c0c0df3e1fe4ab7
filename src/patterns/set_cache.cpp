// A set as bytes and back. Numbers are in the order of this machine: the key ties a cache to it.
//
//   magic "RPpat002" | key, 32 letters | count u32 | for each: way u8, certain u8, size of problem u32, problem
//   | size of database u64 | database | checksum u64 over all before it
#include <cstring>

#include <fmt/format.h>

#include "ringpost/patterns/limits.hpp"
#include "ringpost/patterns/set.hpp"

#include "code.hpp"

namespace ringpost::patterns {

namespace {

constexpr std::string_view kMagic = "RPpat002";

// FNV-1a in 64 bits: it names a cache and tells a torn file; nothing rests on it against malice.
class Hash {
 public:
  explicit Hash(std::uint64_t seed) : value_(seed) {}
  void add(std::string_view bytes) {
    for (const char c : bytes) value_ = (value_ ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    value_ = (value_ ^ bytes.size()) * 0x100000001b3ULL;
  }
  std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_;
};

std::uint64_t checksum(std::string_view bytes) {
  // Eight bytes at a time: databases have tens of megabytes.
  std::uint64_t value = 0xcbf29ce484222325ULL;
  while (bytes.size() >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), 8);
    value = (value ^ word) * 0x9e3779b97f4a7c15ULL;
    value ^= value >> 29U;
    bytes.remove_prefix(8);
  }
  Hash rest(value);
  rest.add(bytes);
  return rest.value();
}

template <class T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  std::string_view take(std::uint64_t size) {
    if (size > bytes_.size()) {
      short_ = true;
      return {};
    }
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }
  template <class T>
  T number() {
    T value{};
    const std::string_view bytes = take(sizeof value);
    if (!bytes.empty()) std::memcpy(&value, bytes.data(), sizeof value);
    return value;
  }
  bool good() const { return !short_; }
  bool at_end() const { return bytes_.empty() && !short_; }

 private:
  std::string_view bytes_;
  bool short_ = false;
};

}  // namespace

std::string Set::cache_key(std::span<const Pattern> patterns, Subjects subjects) {
  Hash one(0xcbf29ce484222325ULL), two(0x84222325cbf29ce4ULL);
  const auto add = [&](std::string_view bytes) {
    one.add(bytes);
    two.add(bytes);
  };
  hs_platform_info_t platform{};
  hs_populate_platform(&platform);
  add(kMagic);
  add(hs_version());
  add(fmt::format("{} {} {} {} {}", platform.cpu_features, platform.tune, static_cast<int>(subjects),
                  kHyperscanPositionsMax, kDatabasePatternsMin));
  for (const Pattern& pattern : patterns) {
    add(pattern.expression);
    add(to_string(pattern.flags));
  }
  return fmt::format("{:016x}{:016x}", one.value(), two.value());
}

std::string Set::serialized() const {
  std::string out(kMagic);
  out += cache_key(patterns_, subjects_);
  put(out, static_cast<std::uint32_t>(members_.size()));
  for (const Member& member : members_) {
    put(out, static_cast<std::uint8_t>(member.way));
    put(out, static_cast<std::uint8_t>(member.certain));
    put(out, static_cast<std::uint32_t>(member.problem.size()));
    out += member.problem;
  }
  char* blob = nullptr;
  std::size_t size = 0;
  if (database_ != nullptr) hs_serialize_database(database_, &blob, &size);
  put(out, static_cast<std::uint64_t>(size));
  out.append(blob, size);
  std::free(blob);  // NOLINT(cppcoreguidelines-no-malloc): Hyperscan's default allocator
  put(out, checksum(out));
  return out;
}

Result<std::shared_ptr<const Set>> Set::restored(std::vector<Pattern> patterns, Subjects subjects,
                                                 std::string_view bytes) {
  const auto stale = [] {
    return fail(ErrorKind::permanent, "the cache is of another rule set, library or CPU");
  };
  const auto torn = [] { return fail(ErrorKind::permanent, "the cache is damaged"); };
  if (bytes.size() > kCacheSizeMax || bytes.size() < kMagic.size() + 32 + 8) return torn();
  Reader reader(bytes.substr(0, bytes.size() - 8));
  Reader sum(bytes.substr(bytes.size() - 8));
  if (reader.take(kMagic.size()) != kMagic || reader.take(32) != cache_key(patterns, subjects))
    return stale();
  if (sum.number<std::uint64_t>() != checksum(bytes.substr(0, bytes.size() - 8))) return torn();
  std::shared_ptr<Set> set(new Set(std::move(patterns), subjects));
  if (reader.number<std::uint32_t>() != set->members_.size()) return torn();
  for (Member& member : set->members_) {
    const auto way = reader.number<std::uint8_t>();
    if (way > static_cast<std::uint8_t>(Way::broken)) return torn();
    member.way = static_cast<Way>(way);
    member.certain = reader.number<std::uint8_t>() != 0;
    member.problem = reader.take(reader.number<std::uint32_t>());
  }
  const std::string_view blob = reader.take(reader.number<std::uint64_t>());
  if (!reader.at_end()) return torn();
  if (!blob.empty() && hs_deserialize_database(blob.data(), blob.size(), &set->database_) != HS_SUCCESS)
    return stale();
  set->list_alone();
  return std::shared_ptr<const Set>(std::move(set));
}

}  // namespace ringpost::patterns
