// start_spool: the identity and the epoch, before any core runs.
#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <thread>

#include <fmt/format.h>

#include "ringpost/journal/format.hpp"
#include "ringpost/journal/mend.hpp"
#include "ringpost/scan/crc32c.hpp"
#include "ringpost/spool/limits.hpp"
#include "ringpost/spool/spool.hpp"

#include "exchange.hpp"
#include "identity.hpp"
#include "shard_directory.hpp"

namespace ringpost::spool {

namespace {

std::uint32_t crc_of(const Identity& identity) {
  return scan::crc32c(std::as_bytes(std::span(&identity, 1)).first(offsetof(Identity, crc)));
}

// A killed server holds its lock until its last write is over.
Result<void> lock(io::Files& files, io::Handle file, const std::string& path) {
  auto locked = files.lock(file);
  for (unsigned attempt = 1;
       !locked && locked.error().kind == ErrorKind::temporary && attempt < kLockAttempts; ++attempt) {
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
    locked = files.lock(file);
  }
  if (!locked && locked.error().kind == ErrorKind::temporary)
    return fail(ErrorKind::temporary,
                fmt::format("{} is in use, another server runs on it; stop that one, or give this one a "
                            "spool.directory of its own",
                            path));
  return locked;
}

std::string parent_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

Result<std::uint64_t> random_id() {
  std::uint64_t id = 0;
  std::random_device source;
  while (id == 0) id = (std::uint64_t{source()} << 32) | source();
  return id;
}

// Both slots, before one of them counts: a later start on a full disk finds the room for the other.
Result<void> fill_slots(io::Files& files, io::Handle file) {
  const std::array<std::byte, 2 * kIdentitySlot> nothing{};
  return files.write_at(file, nothing, 0);
}

// The next epoch, durable in the other slot.
Result<Identity> raise_epoch(io::Files& files, io::Handle file, const std::string& path, bool has_shards) {
  const auto old = RP_TRY(read_identity(files, file, path));
  if (!old && has_shards)
    return fail(
        ErrorKind::permanent,
        fmt::format("{} is missing or damaged, but there are shards with mail; restore it from a copy, or "
                    "ringpost spool repair --write makes it from the segments",
                    path));
  Identity next;
  next.spool_id = old ? old->spool_id : RP_TRY(random_id());
  next.epoch = old ? old->epoch + 1 : 1;
  if (next.epoch > kEpochMax) return fail(ErrorKind::permanent, "the spool has been started too often");
  seal(next);
  if (!old) RP_CHECK(fill_slots(files, file));
  std::array<std::byte, kIdentitySlot> slot{};
  std::memcpy(slot.data(), &next, sizeof next);
  RP_CHECK(files.write_at(file, slot, (next.epoch % 2) * kIdentitySlot));
  RP_CHECK(files.sync(file));
  return next;
}

Result<SpoolStart> start_locked(io::Files& files, const std::string& directory, io::Handle file) {
  RP_CHECK(lock(files, file, spool_file(directory)));
  SpoolStart start;
  start.shards_on_disk = RP_TRY(shards_in(files, directory, start.left_alone));
  for (const unsigned shard : start.shards_on_disk)
    RP_CHECK(journal::refuse_newer(files, {shard_directory(directory, shard), shard, 0}));
  const Identity identity =
      RP_TRY(raise_epoch(files, file, spool_file(directory), !start.shards_on_disk.empty()));
  RP_CHECK(files.sync_directory(directory));
  RP_CHECK(files.sync_directory(parent_of(directory)));
  start.spool_id = identity.spool_id;
  start.epoch = identity.epoch;
  start.lock = file;
  start.exchange = std::make_shared<Exchange>();
  return start;
}

}  // namespace

void seal(Identity& identity) {
  identity.crc = crc_of(identity);
}

Result<std::optional<Identity>> read_identity(io::Files& files, io::Handle file, std::string_view path) {
  std::optional<Identity> best;
  for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{kIdentitySlot}}) {
    std::array<std::byte, sizeof(Identity)> bytes{};
    const auto count = files.read_at(file, bytes, offset);
    if (!count || *count != bytes.size()) continue;
    const auto identity = journal::load<Identity>(bytes);
    if (identity.magic != kIdentityMagic || identity.crc != crc_of(identity)) continue;
    if (identity.version > kIdentityVersion)
      return fail(
          ErrorKind::permanent,
          fmt::format("{} was written by a newer version; use that one, or one that is newer still", path));
    if (!best || identity.epoch > best->epoch) best = identity;
  }
  return best;
}

Result<SpoolStart> start_spool(io::Files& files, const SpoolOptions& options) {
  const std::string& directory = options.directory.text;
  RP_CHECK(files.make_directory(directory));
  const io::File file = RP_TRY(files.open(spool_file(directory), {.write = true, .create = true}));
  auto start = start_locked(files, directory, file.handle);
  if (start) return start;
  files.close(file.handle);
  return fail(std::move(start).error().in(fmt::format("start the spool in {}", directory)));
}

}  // namespace ringpost::spool
