#include "ringpost/spool/inspect.hpp"

#include <algorithm>
#include <map>
#include <numeric>

#include <fmt/format.h>

#include "identity.hpp"
#include "replay.hpp"
#include "shard_directory.hpp"

namespace ringpost::spool {

namespace {

// All shards in one queue, as if one core had adopted them. A segment gets an index of its own.
class Sight final : public Ledger {
 public:
  void add_live(journal::Location) override {}
  void drop_live(journal::Location) override {}
  void add_pin(journal::Location, std::span<const journal::SegmentName>) override {}
  journal::SegmentName name_of(journal::Location where) const override {
    return segments_[where.segment].name;
  }
  std::uint32_t epoch_of(journal::Location where) const override { return segments_[where.segment].epoch; }

  std::uint32_t index_of(const journal::RecordView& view) {
    const auto [found, added] =
        index_.try_emplace({view.shard, view.where.segment}, static_cast<std::uint32_t>(segments_.size()));
    if (added)
      segments_.push_back({{view.shard, view.where.segment, view.sequence},
                           static_cast<std::uint32_t>(view.order >> (64 - MessageId::kEpochBits))});
    return found->second;
  }

 private:
  struct Seen {
    journal::SegmentName name;
    std::uint32_t epoch = 0;
  };
  std::map<std::pair<unsigned, std::uint32_t>, std::uint32_t> index_;
  std::vector<Seen> segments_;
};

Result<std::vector<unsigned>> shards_of(io::Files& files, const std::string& directory) {
  std::vector<unsigned> shards;
  for (const std::string& name : RP_TRY(files.list(directory)))
    if (const auto shard = shard_of(name)) shards.push_back(*shard);
  std::ranges::sort(shards);
  return shards;
}

Result<Identity> identity_of(io::Files& files, const std::string& directory) {
  const std::string path = spool_file(directory);
  const io::File file = RP_TRY(files.open(path, {}));
  const auto identity = read_identity(files, file.handle);
  files.close(file.handle);
  if (!identity) return fail(ErrorKind::permanent, fmt::format("{} is damaged", path));
  return *identity;
}

}  // namespace

std::uint64_t Inspection::messages() const {
  return std::accumulate(shards.begin(), shards.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const InspectedShard& shard) { return sum + shard.messages; });
}

bool Inspection::damaged() const {
  return std::ranges::any_of(shards, [](const InspectedShard& shard) {
    return shard.report.damages + shard.unreadable + shard.without_body != 0;
  });
}

Result<Inspection> inspect(io::Files& files, const std::string& directory,
                           const std::function<void(const InspectedMessage&)>& visit) {
  const Identity identity = RP_TRY(identity_of(files, directory));
  Inspection inspection{.spool_id = identity.spool_id, .epoch = identity.epoch};
  Sight sight;
  Queue queue(sight);
  Replay replay(queue, sight, 0);
  for (const unsigned shard : RP_TRY(shards_of(files, directory))) {
    InspectedShard& seen = inspection.shards.emplace_back(InspectedShard{.shard = shard});
    const std::uint64_t unreadable = replay.unreadable();
    const std::uint64_t without_body = replay.without_body();
    RP_CHECK(journal::read_shard(
        files, shard_directory(directory, shard), identity.spool_id,
        [&](const journal::RecordView& view) {
          journal::RecordView placed = view;
          placed.where.segment = sight.index_of(view);
          replay.visit(placed);
        },
        seen.report));
    seen.unreadable = replay.unreadable() - unreadable;
    seen.without_body = replay.without_body() - without_body;
  }
  replay.finish();
  queue.index().for_each([&](const Entry& entry) {
    const unsigned shard = sight.name_of(entry.envelope).shard;
    InspectedShard& seen = *std::ranges::find(inspection.shards, shard, &InspectedShard::shard);
    const std::uint64_t size = queue.size_of(entry);
    const auto finals =
        static_cast<std::uint32_t>(entry.state == 0 ? 0 : queue.states().final_count(entry.state));
    ++seen.messages;
    seen.tried += entry.state != 0 ? 1 : 0;
    seen.large += entry.is(Entry::large) ? 1 : 0;
    seen.body_bytes += size;
    if (visit) visit({{entry.id}, shard, size, entry.recipients, entry.recipients - finals});
  });
  return inspection;
}

}  // namespace ringpost::spool
