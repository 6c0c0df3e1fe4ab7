#include "ringpost/spool/repair.hpp"

#include <array>
#include <cstring>

#include <fmt/format.h>

#include "ringpost/journal/mend.hpp"
#include "ringpost/spool/limits.hpp"

#include "identity.hpp"
#include "shard_directory.hpp"

namespace ringpost::spool {

namespace {

// A start whose segments have all vanished with their shard may have had a higher epoch than any header says.
constexpr std::uint32_t kEpochMargin = 16;

Result<void> write_identity(io::Files& files, io::Handle file, Identity identity) {
  seal(identity);
  std::array<std::byte, kIdentitySlot> slot{};
  std::memcpy(slot.data(), &identity, sizeof identity);
  RP_CHECK(files.write_at(file, slot, (identity.epoch % 2) * kIdentitySlot));
  return files.sync(file);
}

Result<Identity> identity_from_segments(io::Files& files, const std::string& directory,
                                        std::span<const unsigned> shards) {
  journal::SpoolTraces traces;
  for (const unsigned shard : shards)
    RP_CHECK(journal::trace_spool(files, shard_directory(directory, shard), traces));
  if (traces.mixed)
    return fail(ErrorKind::permanent, "the segments belong to several spools; move the foreign ones away");
  if (traces.spool_id == 0) return fail(ErrorKind::permanent, "no segment says which spool this is");
  return Identity{.epoch = std::min(traces.epoch + kEpochMargin, kEpochMax), .spool_id = traces.spool_id};
}

class Repair {
 public:
  Repair(io::Files& files, const std::string& directory, bool write,
         const std::function<void(std::string_view)>& tell)
      : files_(files), directory_(directory), write_(write), tell_(tell) {}

  Result<Repaired> run(io::Handle identity_file) {
    const auto shards = RP_TRY(shards_in(files_, directory_));
    const Identity identity = RP_TRY(mend_identity(identity_file, shards));
    const std::string copies = directory_ + "/damaged";
    if (write_) RP_CHECK(files_.make_directory(copies));
    for (const unsigned shard : shards)
      RP_CHECK(journal::mend_shard(files_, shard_directory(directory_, shard), shard, identity.spool_id,
                                   {.write = write_, .copies = copies},
                                   [&](std::string_view text) { found(text); }));
    if (write_) (void)files_.remove_directory(copies);  // stays when there is something in it
    return repaired_;
  }

 private:
  void found(std::string_view text) {
    ++repaired_.findings;
    tell_(text);
  }
  Result<Identity> mend_identity(io::Handle file, std::span<const unsigned> shards) {
    if (file)
      if (const auto identity = read_identity(files_, file)) return *identity;
    const Identity identity = RP_TRY(identity_from_segments(files_, directory_, shards));
    found(fmt::format("{} is damaged; its id {:016x} and the epoch {} come from the segments",
                      spool_file(directory_), identity.spool_id, identity.epoch));
    if (write_) RP_CHECK(write_identity(files_, file, identity));
    return identity;
  }

  io::Files& files_;
  const std::string& directory_;
  bool write_;
  const std::function<void(std::string_view)>& tell_;
  Repaired repaired_;
};

}  // namespace

Result<Repaired> repair(io::Files& files, const std::string& directory, bool write,
                        const std::function<void(std::string_view)>& tell) {
  (void)RP_TRY(shards_in(files, directory));  // no directory: no spool is made
  const auto file = files.open(spool_file(directory), {.write = write, .create = write});
  if (!file && write) return fail(file.error());
  const io::Handle handle = file ? file->handle : io::Handle{};
  Result<Repaired> repaired;
  auto locked = write ? files.lock(handle) : Result<void>{};
  if (locked)
    repaired = Repair(files, directory, write, tell).run(handle);
  else
    repaired = fail(std::move(locked).error().in("is the server running?"));
  if (handle) files.close(handle);
  return repaired;
}

}  // namespace ringpost::spool
