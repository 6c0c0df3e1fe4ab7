// The file SPOOL: the identity of the spool and the number of its starts.
#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <random>

#include "ringpost/scan/crc32c.hpp"

#include "spool_state.hpp"

namespace ringpost::spool {

namespace {

constexpr std::uint64_t kMagic = 0x314C4F4F50535052;  // "RPSPOOL1"
constexpr std::size_t kSlotSize = 4096;
constexpr std::uint32_t kVersion = 1;

// Written to its two slots in turn, so that a torn write leaves the one before it.
struct SpoolFile {
  std::uint64_t magic = kMagic;
  std::uint32_t version = kVersion;
  std::uint32_t epoch = 0;
  std::uint64_t spool_id = 0;
  std::uint32_t reserved = 0;
  std::uint32_t crc = 0;  // of all bytes before it
};
static_assert(sizeof(SpoolFile) == 32);

std::uint32_t crc_of(const SpoolFile& file) {
  return scan::crc32c(std::as_bytes(std::span(&file, 1)).first(offsetof(SpoolFile, crc)));
}

Result<std::optional<SpoolFile>> read_newest(io::Files& files, io::Handle handle) {
  std::optional<SpoolFile> newest;
  for (std::uint64_t slot = 0; slot < 2; ++slot) {
    SpoolFile file;
    const auto read = RP_TRY(files.read_at(handle, std::as_writable_bytes(std::span(&file, 1)), slot * kSlotSize));
    if (read != sizeof file || file.magic != kMagic || file.crc != crc_of(file)) continue;
    if (file.version > kVersion)
      return fail(ErrorKind::permanent, "the spool was written by a newer version of Ringpost");
    if (!newest || file.epoch > newest->epoch) newest = file;
  }
  return newest;
}

std::vector<unsigned> find_shards(const std::vector<std::string>& names) {
  std::vector<unsigned> shards;
  for (const std::string& name : names) {
    constexpr std::string_view kPrefix = "shard-";
    unsigned shard = 0;
    if (!name.starts_with(kPrefix)) continue;
    const char* const end = name.data() + name.size();
    const auto [stop, error] = std::from_chars(name.data() + kPrefix.size(), end, shard);
    if (error == std::errc{} && stop == end) shards.push_back(shard);
  }
  return shards;
}

}  // namespace

Result<SpoolStart> start_spool(io::Files& files, const SpoolOptions& options) {
  const std::string path = options.directory.text + "/SPOOL";
  RP_CHECK(files.make_directory(options.directory.text));
  const io::File opened = RP_TRY(files.open(path, {.write = true, .create = true}));
  if (auto locked = files.lock(opened.handle); !locked) {
    Error error = std::move(locked.error()).in("spool.directory: " + options.directory.text);
    error.text += "; is another server running on it?";
    return fail(std::move(error));
  }
  auto before = read_newest(files, opened.handle);
  if (!before) return fail(std::move(before.error()).in(path));
  const auto shards = find_shards(RP_TRY(files.list(options.directory.text)));
  if (!*before && !shards.empty())
    return fail(ErrorKind::permanent, path + ": damaged or missing, and there are shards beside it; restore it, or look "
                                             "at the mail with: ringpost spool check");
  SpoolFile file = before->value_or(SpoolFile{});
  if (file.spool_id == 0) {
    std::random_device random;
    file.spool_id = (std::uint64_t{random()} << 32U) | random() | 1U;
  }
  ++file.epoch;
  if (file.epoch >= (1U << MessageId::kEpochBits))
    return fail(ErrorKind::permanent, path + ": the spool has been started too often; drain it and make a new one");
  file.crc = crc_of(file);
  RP_CHECK(files.write_at(opened.handle, std::as_bytes(std::span(&file, 1)), (file.epoch % 2) * kSlotSize));
  RP_CHECK(files.sync(opened.handle));
  RP_CHECK(files.sync_directory(options.directory.text));
  return SpoolStart{.spool_id = file.spool_id,
                    .epoch = file.epoch,
                    .shards_on_disk = shards,
                    .lock = opened.handle,
                    .exchange = std::make_shared<Exchange>()};
}

}  // namespace ringpost::spool
