// A set as bytes and back. Numbers are in the order of this machine: the key ties a cache to it.
//
//   magic | key, 32 letters | count u32 | for each: broken u8, size of problem u32, problem
//   | for each of the two databases: size u64, bytes (none: it has none) | checksum u64 over all before it
//   database: for each member: way u8, certain u8, needs u8, times u8 | count of entries u32 | for each: member u32, gives u8
//   | windows | count of programs u32, each | count of gates u32, each | what Hyperscan made of itself
#include <cstring>

#include <fmt/format.h>

#include "ringpost/patterns/limits.hpp"

#include "database.hpp"

namespace ringpost::patterns {

namespace {

constexpr std::string_view kMagic = "RPpat015";

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
  std::string_view rest() { return take(bytes_.size()); }
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
  add(fmt::format("{} {} {} {} {}", kCheapDatabaseMax, kFactorsMax, kFactorLiteralsMax, kFactorBitsMin,
                  kWindowBitsMin));
  add(fmt::format("{} {}", kGateStepsMin, kWindowBitsEnough));
  for (const Pattern& pattern : patterns) {
    add(pattern.expression);
    add(to_string(pattern.flags));
  }
  return fmt::format("{:016x}{:016x}", one.value(), two.value());
}

void Set::Database::write(std::string& out) const {
  for (const Row& row : rows_) {
    put(out, static_cast<std::uint8_t>(row.way));
    put(out, static_cast<std::uint8_t>(row.certain));
    put(out, row.needs);
    put(out, row.times);
  }
  put(out, static_cast<std::uint32_t>(entries_.size()));
  for (const Entry& entry : entries_) {
    put(out, entry.member);
    put(out, entry.gives);
  }
  windows_.write(out);
  put(out, static_cast<std::uint32_t>(walks_.size()));
  for (const Walk& walk : walks_) walk.program.write(out);
  put(out, static_cast<std::uint32_t>(gates_.size()));
  for (const Program& gate : gates_) gate.write(out);
  char* blob = nullptr;
  std::size_t size = 0;
  if (handle_ != nullptr) hs_serialize_database(handle_, &blob, &size);
  out.append(blob, size);
  std::free(blob);  // NOLINT(cppcoreguidelines-no-malloc): Hyperscan's default allocator
}

std::unique_ptr<const Set::Database> Set::Database::read(std::string_view bytes, std::size_t members) {
  Reader reader(bytes);
  std::unique_ptr<Database> made(new Database);
  for (std::size_t member = 0; member < members && reader.good(); ++member) {
    const auto way = reader.number<std::uint8_t>();
    const bool certain = reader.number<std::uint8_t>() != 0;
    if (way > static_cast<std::uint8_t>(Way::broken)) return nullptr;
    const auto needs = reader.number<std::uint8_t>();
    made->rows_.push_back({static_cast<Way>(way), certain, needs, reader.number<std::uint8_t>()});
  }
  const auto entries = reader.number<std::uint32_t>();
  for (std::uint32_t n = 0; n < entries && reader.good(); ++n) {
    const auto member = reader.number<std::uint32_t>();
    if (member >= members) return nullptr;
    made->entries_.push_back({member, reader.number<std::uint8_t>()});
  }
  if (!reader.good()) return nullptr;
  std::string_view blob = reader.rest();
  auto windows = Windows::read(blob, members);
  if (!windows || blob.size() < sizeof(std::uint32_t)) return nullptr;
  made->windows_ = *std::move(windows);
  const auto walks = Reader(blob).number<std::uint32_t>();
  blob.remove_prefix(sizeof walks);
  for (std::uint32_t n = 0; n < walks; ++n) {
    auto program = Program::read(blob, members);
    if (!program || program->members() == 0) return nullptr;
    made->walks_.push_back({*std::move(program), {}});
  }
  if (blob.size() < sizeof(std::uint32_t)) return nullptr;
  const auto gates = Reader(blob).number<std::uint32_t>();
  blob.remove_prefix(sizeof gates);
  for (std::uint32_t n = 0; n < gates; ++n) {
    auto program = Program::read(blob, members);
    if (!program || program->matched().size() != 1) return nullptr;
    made->gates_.push_back(*std::move(program));
  }
  made->finish();
  if (!blob.empty() && hs_deserialize_database(blob.data(), blob.size(), &made->handle_) != HS_SUCCESS)
    return nullptr;
  // Entries without a database, or the other way round, are not what was written.
  return (made->handle_ != nullptr) == !made->entries_.empty() ? std::move(made) : nullptr;
}

std::string Set::serialized() const {
  std::string out(kMagic);
  out += cache_key(patterns_, subjects_);
  put(out, static_cast<std::uint32_t>(members_.size()));
  for (const Member& member : members_) {
    put(out, static_cast<std::uint8_t>(member.broken));
    put(out, static_cast<std::uint32_t>(member.problem.size()));
    out += member.problem;
  }
  for (const auto& database : databases_) {
    std::string bytes;
    if (database != nullptr) database->write(bytes);
    put(out, static_cast<std::uint64_t>(bytes.size()));
    out += bytes;
  }
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
    member.broken = reader.number<std::uint8_t>() != 0;
    member.problem = reader.take(reader.number<std::uint32_t>());
  }
  for (auto& database : set->databases_) {
    const std::string_view part = reader.take(reader.number<std::uint64_t>());
    if (part.empty()) continue;
    database = Database::read(part, set->members_.size());
    if (database == nullptr) return stale();
  }
  if (!reader.at_end() || (set->databases_[0] == nullptr) != (set->databases_[1] == nullptr)) return torn();
  return std::shared_ptr<const Set>(std::move(set));
}

}  // namespace ringpost::patterns
