// The start: what the log holds becomes users, on the core that has the newest of each.
#include <algorithm>

#include <fmt/format.h>

#include "ringpost/observe/event_ring.hpp"

#include "store_state.hpp"

namespace ringpost::store {

using Phase = Sharing::State::Phase;

Store::State::State(shard::Core& on, Sharing::State& shared, StoreSettings with)
    : core(on),
      sharing(shared),
      settings(with),
      figures(on.figures()),
      quiet(on),
      outbox(std::make_unique<shard::Outbox>(on, 2 * kRemoteMax)),
      calls_out(on.count()) {}

void Store::State::say_damaged(std::string_view text) {
  figures.damaged.add();
  if (++damage_notices > kDamageNoticesMax) return;
  auto line = core.events().begin(observe::EventType::notice, core.wall_now());
  line.add(observe::EventKey::severity, "error");
  line.add(observe::EventKey::text, text);
  line.finish();
}

void Store::State::visit(const journal::RecordView& view) {
  const auto user = [&]() -> Returning& {
    auto& place = returning[view.id.value];
    if (place == nullptr) place = std::make_unique<Returning>(UserId{view.id.value});
    return *place;
  };
  switch (static_cast<RecordType>(view.type)) {
    case RecordType::mail:
      return blobs.seen_mail(view.id, view.where);
    case RecordType::facts:
      return blobs.seen_facts(view.id, view.where);
    case RecordType::chunk:
      return blobs.seen_chunk(view.id, Reader(view.payload).get<ChunkHeader>(), view.where);
    case RecordType::change:
      return user().change(view);
    case RecordType::snapshot:
      return user().snapshot(view);
  }
}

void Store::State::visited(const Result<void>& read) {
  read_result = read;
  for (const auto& [id, user] : returning) sharing.know({id}, core.index(), user->newest());
  read_over = true;
  sharing.done(Phase::known);
  quiet.notify_all();
}

Task<Result<void>> Store::State::wait_for_all(Phase phase) {
  while (!sharing.all_done(phase)) {
    if (closing) co_return fail(ErrorKind::cancelled, "the store is closing");
    co_await shard::Sleep(core, kExchangePoll);
  }
  co_return Result<void>{};
}

Task<Result<void>> Store::State::settle() {
  const auto self = shared_from_this();
  while (!read_over) co_await quiet.wait();
  RP_CO_CHECK(read_result);
  RP_CO_CHECK(co_await wait_for_all(Phase::known));
  give_away();
  sharing.done(Phase::given);
  RP_CO_CHECK(co_await wait_for_all(Phase::given));
  take_in();
  sharing.done(Phase::wanted);
  RP_CO_CHECK(co_await wait_for_all(Phase::wanted));
  hold_for_others();
  keep_no_more();
  sharing.done(Phase::held);
  RP_CO_CHECK(co_await wait_for_all(Phase::held));
  settle_users();
  settled = true;
  quiet.notify_all();
  if (!arriving.empty()) core.spawn(bring_all(self));
  core.spawn(check_origins(self, nullptr));
  upkeep();
  co_return Result<void>{};
}

// What is here of users whose newest records are on another core.
void Store::State::give_away() {
  std::erase_if(returning, [&](auto& each) {
    const UserId id{each.first};
    if (sharing.owner_of(id) == core.index()) return false;
    {
      const std::lock_guard lock(sharing.mutex);
      sharing.given[id.value].push_back({core.index(), each.second->give()});
    }
    auto places = each.second->places();
    for (const journal::Location where : places) log->add_live(where);
    lent[id.value] = std::move(places);
    return true;
  });
}

// Users of this core become what they are; what they miss of their messages is asked for.
void Store::State::take_in() {
  for (auto& [id, user] : returning) {
    if (sharing.known.at(id).several) {
      const std::lock_guard lock(sharing.mutex);
      if (const auto given = sharing.given.find(id); given != sharing.given.end())
        for (const auto& each : given->second) user->take(each.what);
    }
    const auto gaps = user->finish();
    const bool taken = user->taken();
    const std::uint64_t senseless = user->senseless();
    auto added = std::make_shared<User>(*this, user->account());
    added->snapshot_places = std::move(user->snapshot_places);
    added->snapshot_size = user->snapshot_size;
    added->change_places = std::move(user->change_places);
    for (const auto& [lsn, where] : added->change_places) added->change_bytes += where.size;
    for (const auto& [first, last] : gaps)
      say_damaged(fmt::format("mailboxes of {}: changes {} to {} are missing", added->name(), first, last));
    if (senseless != 0)
      say_damaged(fmt::format("mailboxes of {}: {} records do not make sense", added->name(), senseless));
    added->account->refer_all(blobs);
    if (sharing.known.at(id).several && !taken && gaps.empty() && senseless == 0) {
      const std::lock_guard lock(sharing.mutex);
      sharing.complete.insert(id);
    }
    if (taken) {
      added->is_arriving = true;
      arriving.push_back(added);
    }
    users[id] = std::move(added);
  }
  returning.clear();
  const std::lock_guard lock(sharing.mutex);
  for (const BlobId id : blobs.missing()) sharing.wanted[id.value].push_back(core.index());
}

// Also a part of one whose other parts are elsewhere: those of a long message may have been moved one without the other.
void Store::State::hold_for_others() {
  const std::lock_guard lock(sharing.mutex);
  for (const auto& [id, cores] : sharing.wanted) {
    const Blob* blob = blobs.find({id});
    if (blob == nullptr || blobs.parts(*blob).empty()) continue;
    sharing.holders[id].push_back(core.index());
    for (const unsigned other : cores)
      if (other != core.index()) blobs.hold({id});
  }
}

// Old records of users who were brought to their core in an earlier run: it has all of them in its log, and nobody will say so again.
void Store::State::keep_no_more() {
  const std::lock_guard lock(sharing.mutex);
  for (const std::uint64_t id : sharing.complete) let_go({id});
}

void Store::State::settle_users() {
  std::unordered_set<std::uint64_t> lost_blobs;
  {
    const std::lock_guard lock(sharing.mutex);
    for (const BlobId id : blobs.missing()) {
      auto holders = sharing.holders[id.value];
      std::erase(holders, core.index());
      if (holders.empty())
        lost_blobs.insert(id.value);
      else
        from[id.value] = std::move(holders);
    }
  }
  blobs.settle();
  for (const auto& [id, user] : users) {
    for (const journal::Location where : user->snapshot_places) log->add_live(where);
    for (const auto& [lsn, where] : user->change_places) log->add_live(where);
    for (const auto& [number, box] : user->account->mailboxes()) Account::take_recent(*box);
    if (from.empty() && lost_blobs.empty()) continue;
    bool misses = false;
    for (const Mailbox* box : user->mailboxes())
      for (const Message& message : box->messages()) {
        misses = misses || from.contains(message.blob.value);
        if (lost_blobs.contains(message.blob.value))
          say_damaged(fmt::format("mailboxes of {}: the message {} of {} is damaged", user->name(),
                                  message.uid.value, box->name()));
      }
    if (misses && !user->is_arriving) {
      user->is_arriving = true;
      arriving.push_back(user);
    }
  }
}

void Store::State::upkeep() {
  land();  // moves, for which nobody waits: the log knows for so long only which frames have failed
  ahead.forget_old();
  std::int64_t messages = 0;
  std::int64_t bytes = 0;
  for (const auto& [id, user] : users) {
    messages += static_cast<std::int64_t>(user->account->messages());
    bytes += static_cast<std::int64_t>(user->account->bytes());
  }
  figures.users.set(static_cast<std::int64_t>(users.size()));
  figures.messages.set(messages);
  figures.bytes.set(bytes);
  figures.blobs.set(static_cast<std::int64_t>(blobs.size()));
  figures.arriving.set(static_cast<std::int64_t>(arriving.size()));
  if (!snapshots_due.empty() && !writing_snapshots && settled && !closing)
    core.spawn(write_snapshots(shared_from_this()));
}

Task<void> Store::State::close() {
  closing = true;
  quiet.notify_all();
  while (background != 0) co_await quiet.wait();
}

}  // namespace ringpost::store
