#include "ringpost/spool/archive.hpp"

#include <algorithm>
#include <limits>
#include <set>

#include <fmt/format.h>

#include "ringpost/journal/format.hpp"

#include "replay.hpp"
#include "shard_directory.hpp"
#include "sight.hpp"

namespace ringpost::spool {

namespace {

std::uint64_t bytes_in(io::Files& files, const std::string& directory, std::span<const unsigned> shards) {
  std::uint64_t bytes = 0;
  for (const unsigned shard : shards) {
    const std::string folder = shard_directory(directory, shard);
    const auto names = files.list(folder);
    if (!names) continue;
    for (const std::string& name : *names) {
      const auto file = files.open(folder + "/" + name, {});
      if (!file) continue;
      bytes += files.size(file->handle).value_or(0);
      files.close(file->handle);
    }
  }
  return bytes;
}

}  // namespace

struct Archive::State {
  State(io::Files& on, std::string in) : files(on), directory(std::move(in)) {}

  Result<void> open(const Progress& progress);
  Result<void> read_one(unsigned shard, const std::function<void(std::uint64_t)>& step);
  void sum_up();
  InspectedMessage describe(const Entry& entry) const;
  Result<std::vector<std::byte>> record(journal::Location where) const;

  io::Files& files;
  std::string directory;
  Inspection inspection;
  Sight sight;
  Queue queue{sight};
  Replay replay{queue, sight, 0,
                std::numeric_limits<std::size_t>::max()};  // nobody else waits for the memory
};

Result<void> Archive::State::read_one(unsigned shard, const std::function<void(std::uint64_t)>& step) {
  InspectedShard& seen = inspection.shards.emplace_back(InspectedShard{.shard = shard});
  const std::uint64_t unreadable = replay.unreadable();
  const auto done = journal::read_shard(
      files, {shard_directory(directory, shard), shard, inspection.spool_id},
      [&](const journal::RecordView& view) {
        journal::RecordView placed = view;
        placed.shard = shard;
        placed.where.segment = sight.index_of(placed);
        replay.visit(placed);
      },
      seen.report, step);
  RP_CHECK(note_unread(done, seen));
  seen.unreadable = replay.unreadable() - unreadable;
  return {};
}

Result<void> Archive::State::open(const Progress& progress) {
  SpoolDirectory found = RP_TRY(read_directory(files, directory));
  const Identity identity = found.identity.value_or(Identity{});
  inspection.spool_id = identity.spool_id;
  inspection.epoch = identity.epoch;
  inspection.left_alone = std::move(found.left_alone);
  const auto& shards = found.shards;
  const std::uint64_t total = progress ? bytes_in(files, directory, shards) : 0;
  std::uint64_t done = 0;
  for (const unsigned shard : shards)
    RP_CHECK(read_one(shard, [&](std::uint64_t bytes) {
      done += bytes;
      if (progress) progress(done, std::max(total, done));
    }));
  const std::uint64_t unreadable = replay.unreadable();
  replay.finish();
  if (!inspection.shards.empty()) inspection.shards.back().unreadable += replay.unreadable() - unreadable;
  sum_up();
  return {};
}

void Archive::State::sum_up() {
  std::set<MessageId> damaged(replay.damaged().begin(), replay.damaged().end());
  for (const InspectedShard& seen : inspection.shards)
    for (const journal::Damage& damage : seen.report.damage)
      if (const auto id = named_by(damage, queue, &replay)) damaged.insert(id);
  inspection.damaged_messages.assign(damaged.begin(), damaged.end());
  queue.index().for_each([&](const Entry& entry) {
    const InspectedMessage message = describe(entry);
    InspectedShard& seen = *std::ranges::find(inspection.shards, message.shard, &InspectedShard::shard);
    ++seen.messages;
    seen.tried += entry.state != 0 ? 1 : 0;
    seen.without_body += message.no_body ? 1 : 0;
    seen.large += entry.is(Entry::large) ? 1 : 0;
    seen.body_bytes += message.size;
  });
}

InspectedMessage Archive::State::describe(const Entry& entry) const {
  const auto finals =
      static_cast<std::uint32_t>(entry.state == 0 ? 0 : queue.states().final_count(entry.state));
  return {.id = {entry.id},
          .shard = sight.name_of(entry.envelope).shard,
          .size = queue.size_of(entry),
          .recipients = entry.recipients,
          .pending = entry.recipients - finals,
          .no_body = entry.is(Entry::no_body)};
}

Result<std::vector<std::byte>> Archive::State::record(journal::Location where) const {
  const auto name = sight.name_of(where);
  where.segment = name.number;
  std::vector<std::byte> bytes;
  if (!RP_TRY(journal::read_record(files, shard_directory(directory, name.shard), where, bytes)))
    return fail(ErrorKind::permanent, fmt::format("the record at {} of segment {} of shard {} is damaged",
                                                  where.offset, name.number, name.shard));
  return bytes;
}

Archive::Archive(std::unique_ptr<State> state) : state_(std::move(state)) {}
Archive::~Archive() = default;

Result<std::unique_ptr<Archive>> Archive::open(io::Files& files, const std::string& directory,
                                               const Progress& progress) {
  std::unique_ptr<Archive> archive(new Archive(std::make_unique<State>(files, directory)));
  RP_CHECK(archive->state_->open(progress));
  return archive;
}

const Inspection& Archive::inspection() const {
  return state_->inspection;
}

void Archive::for_each(const std::function<void(const InspectedMessage&)>& visit) const {
  state_->queue.index().for_each([&](const Entry& entry) { visit(state_->describe(entry)); });
}

bool Archive::contains(MessageId id) const {
  return state_->queue.find(id) != nullptr;
}

Result<Archive::Stored> Archive::read(MessageId id) {
  const Entry* entry = state_->queue.find(id);
  if (entry == nullptr) return fail(ErrorKind::permanent, "no such message in the queue");
  Stored stored;
  stored.bytes = RP_TRY(state_->record(entry->envelope));
  stored.envelope = RP_TRY(mail::EnvelopeRecord::decode(stored.bytes));
  stored.outcomes.resize(entry->recipients);
  for (std::uint32_t i = 0; i < entry->recipients; ++i) stored.outcomes[i].recipient = i;
  if (entry->state == 0) return stored;
  for (const PackedOutcome& outcome : state_->queue.states().outcomes(entry->state))
    if (outcome.recipient < entry->recipients) stored.outcomes[outcome.recipient] = unpack(outcome);
  return stored;
}

Result<void> Archive::read_body(MessageId id, const Sink& sink) {
  const Entry* entry = state_->queue.find(id);
  if (entry == nullptr) return fail(ErrorKind::permanent, "no such message in the queue");
  if (entry->is(Entry::no_body)) return fail(ErrorKind::permanent, "the body of the message is damaged");
  for (const journal::Location where : state_->queue.body_records(*entry)) {
    const auto bytes = RP_TRY(state_->record(where));
    RP_CHECK(sink(bytes));
  }
  return {};
}

Result<Inspection> inspect(io::Files& files, const std::string& directory,
                           const std::function<void(const InspectedMessage&)>& visit) {
  const auto archive = RP_TRY(Archive::open(files, directory));
  if (visit) archive->for_each(visit);
  return archive->inspection();
}

std::uint64_t Inspection::messages() const {
  std::uint64_t sum = 0;
  for (const InspectedShard& shard : shards) sum += shard.messages;
  return sum;
}

bool Inspection::damaged() const {
  return spool_id == 0 || !left_alone.empty() || std::ranges::any_of(shards, [](const InspectedShard& shard) {
           return shard.report.damages + shard.unreadable + shard.without_body != 0;
         });
}

}  // namespace ringpost::spool
