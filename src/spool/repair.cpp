#include "ringpost/spool/repair.hpp"

#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "ringpost/journal/mend.hpp"
#include "ringpost/spool/limits.hpp"

#include "shard_directory.hpp"

namespace ringpost::spool {

namespace {

// A start whose segments have all vanished with their shard may have had a higher epoch than any header says.
constexpr std::uint32_t kEpochMargin = 16;

// Both slots: neither was valid, and a start on a full disk finds the room for the other.
Result<void> write_identity(io::Files& files, io::Handle file, Identity identity) {
  seal(identity);
  std::array<std::byte, 2 * kIdentitySlot> slots{};
  std::memcpy(slots.data() + (identity.epoch % 2) * kIdentitySlot, &identity, sizeof identity);
  RP_CHECK(files.write_at(file, slots, 0));
  return files.sync(file);
}

Result<Identity> identity_from_segments(io::Files& files, const std::string& directory,
                                        std::span<const unsigned> shards) {
  journal::SpoolTraces traces;
  for (const unsigned shard : shards)
    RP_CHECK(journal::trace_spool(files, {shard_directory(directory, shard), shard, 0}, traces));
  if (traces.mixed)
    return fail(ErrorKind::permanent, "the segments belong to several spools; move the foreign ones away");
  if (traces.spool_id == 0)
    return fail(ErrorKind::permanent,
                "no segment says which spool this is; restore SPOOL from a copy, or export what is there");
  return Identity{.epoch = std::min(traces.epoch + kEpochMargin, kEpochMax), .spool_id = traces.spool_id};
}

class Repair {
 public:
  Repair(io::Files& files, const std::string& directory, bool write,
         const std::function<void(std::string_view)>& tell)
      : files_(files), directory_(directory), write_(write), tell_(tell) {}
  ~Repair() {
    if (file_) files_.close(file_);
  }
  Repair(const Repair&) = delete;
  Repair& operator=(const Repair&) = delete;

  Result<Repaired> run() {
    const SpoolDirectory found = RP_TRY(read_directory(files_, directory_));
    if (write_) RP_CHECK(lock_existing());
    for (const unsigned shard : found.shards)
      RP_CHECK(journal::refuse_newer(files_, {shard_directory(directory_, shard), shard, 0}));
    for (const std::string& text : found.left_alone) tell(text, false);
    const Identity identity = RP_TRY(mend_identity(found));
    const std::string copies = directory_ + "/damaged";
    if (write_) RP_CHECK(files_.make_directory(copies));
    if (write_) RP_CHECK(files_.own_like(copies, directory_));
    auto done = mend_shards(found, identity, copies);
    if (write_) (void)files_.remove_directory(copies);  // stays when there is something in it
    RP_CHECK(std::move(done));
    return repaired_;
  }

 private:
  Result<void> mend_shards(const SpoolDirectory& found, const Identity& identity, const std::string& copies) {
    for (const unsigned shard : found.shards)
      RP_CHECK(journal::mend_shard(files_, {shard_directory(directory_, shard), shard, identity.spool_id},
                                   {.write = write_, .copies = copies},
                                   [&](std::string_view text, bool mended) { tell(text, mended); }));
    return {};
  }
  void tell(std::string_view text, bool mended) {
    ++repaired_.findings;
    if (!mended) ++repaired_.left;
    tell_(text);
  }
  // A server that runs holds it; without the file none does. It is not made before it is known what to write into it.
  Result<void> lock_existing() {
    auto file = files_.open(spool_file(directory_), {.write = true});
    if (!file && file.error().system == ENOENT) return {};
    if (!file) return fail(std::move(file).error());
    file_ = file->handle;
    return lock();
  }
  Result<void> lock() {
    if (auto locked = files_.lock(file_); !locked)
      return fail(ErrorKind::temporary,
                  fmt::format("{} is in use, a running server has its lock; ringpost stop, then try again",
                              spool_file(directory_)));
    return {};
  }
  Result<Identity> mend_identity(const SpoolDirectory& found) {
    if (found.identity) return *found.identity;
    const Identity identity = RP_TRY(identity_from_segments(files_, directory_, found.shards));
    tell(fmt::format("{} is damaged; its id {:016x} and the epoch {} come from the segments",
                     spool_file(directory_), identity.spool_id, identity.epoch),
         true);
    if (!write_) return identity;
    if (!file_) {
      file_ = RP_TRY(files_.open(spool_file(directory_), {.write = true, .create = true, .exclusive = true}))
                  .handle;
      RP_CHECK(lock());
    }
    RP_CHECK(files_.own_like(spool_file(directory_), directory_));
    RP_CHECK(write_identity(files_, file_, identity));
    RP_CHECK(files_.sync_directory(directory_));
    return identity;
  }

  io::Files& files_;
  const std::string& directory_;
  bool write_;
  const std::function<void(std::string_view)>& tell_;
  io::Handle file_;
  Repaired repaired_;
};

}  // namespace

Result<Repaired> repair(io::Files& files, const std::string& directory, bool write,
                        const std::function<void(std::string_view)>& tell) {
  return Repair(files, directory, write, tell).run();
}

}  // namespace ringpost::spool
