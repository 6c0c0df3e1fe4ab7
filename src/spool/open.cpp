// The start of a core's spool, its announcements after a restart, and its orderly end.
#include <algorithm>

#include <fmt/format.h>

#include "ringpost/base/assert.hpp"
#include "ringpost/spool/survey.hpp"

#include "shard_directory.hpp"
#include "spool_state.hpp"

namespace ringpost::spool {

Spool::State::State(shard::Core& on, SpoolOptions with, SpoolStart started)
    : core(on),
      options(std::move(with)),
      start_info(std::move(started)),
      own_shard(on.index()),
      figures(on.figures()),
      quiet(on) {}

Task<Result<void>> Spool::State::open(std::vector<unsigned> adopt) {
  journal::LogOptions log_options;
  log_options.segment_size = options.segment_size;
  log_options.buffer_memory = options.buffer_memory;
  log_options.free_space_min = options.free_space_min.value / 100;
  log_options.free_segments_ahead = options.segments_ahead;
  log_options.compact_after = options.compact_after;
  std::ranges::copy(kColdClasses, log_options.stream_life.begin() + 1);
  journal::Log::Place place{.directory = shard_directory(options.directory.text, own_shard),
                            .shard = own_shard,
                            .epoch = start_info.epoch,
                            .spool_id = start_info.spool_id};
  for (const unsigned shard : adopt)
    place.orphans.push_back({shard_directory(options.directory.text, shard), shard});

  log = RP_CO_TRY(co_await journal::Log::open(core, log_options, std::move(place)));
  start_info.exchange->join();
  ledger.log = log.get();

  // The callbacks are the log's, which this owns.
  log->set_carry(
      [this](const journal::RecordView& view) {
        return is_of_guest(view.type) ? guest->carry(view) : carry(view);
      },
      [this] { return place_gathered(); });
  log->set_lost(
      [this](const journal::RecordView& view) { is_of_guest(view.type) ? guest->lost(view) : lost(view); });
  log->set_freed([this](std::uint32_t segment) { queue.forget_copies(segment); });
  log->set_upkeep([this] { upkeep(); });
  log->set_damage([this](const journal::Damage& damage) { rotten(damage); });
  if (guest != nullptr)
    guest->join({.log = log.get(),
                 .next_id = [this] { return next_id(); },
                 .in_queue = [this](MessageId id) { return queue.find(id) != nullptr; },
                 .flush = [this] { return flush(); },
                 .shard = own_shard,
                 .epoch = start_info.epoch});
  core.at_turn_end(hook);
  upkeep();
  core.spawn(recover(shared_from_this()));
  co_return Result<void>{};
}

// What the last run left becomes the queue, while new mail may come in already.
Task<void> Spool::State::recover(std::shared_ptr<State> self) {
  ++background;
  replay = std::make_unique<Replay>(queue, ledger, own_shard, start_info.foreign_max);
  recovery = co_await log->recover(
      [this](journal::Log&, const journal::RecordView& view) {
        is_of_guest(view.type) ? guest->visit(view) : replay->visit(view);
      },
      &report, [this](MessageId id) { queue.index().fetch(id); });
  if (guest != nullptr) guest->visited(recovery);
  replay->finish();
  figures.damaged.add(replay->unreadable() + replay->without_body());
  name_damaged();
  start_info.exchange->give(std::move(replay->foreign()));
  recovery_over = true;
  --background;
  quiet.notify_all();
}

Task<Result<void>> Spool::State::start(Announcements& to) {
  RP_ASSERT(listener == nullptr);
  while (!recovery_over) co_await quiet.wait();
  RP_CO_CHECK(std::move(recovery));
  // What ends a message of ours may stand in the log of another core.
  while (!start_info.exchange->all_given()) {
    if (closing) co_return fail(ErrorKind::cancelled, "the spool is closing");
    co_await shard::Sleep(core, kExchangePoll);
  }
  RP_CO_CHECK(co_await settle_foreign());
  if (guest != nullptr) RP_CO_CHECK(co_await guest->settle());
  listener = &to;
  RP_CO_CHECK(co_await announce_recovered());
  log->start_reclaim();
  co_return Result<void>{};
}

// What other cores' logs say about messages that are here becomes records of this log.
Task<Result<void>> Spool::State::settle_foreign() {
  std::vector<MessageId> restate = replay->restate();
  replay.reset();
  const auto is_here = [this](MessageId id) { return queue.find(id) != nullptr; };
  for (const ForeignRecord& record : start_info.exchange->take_copy(own_shard, is_here)) {
    Entry* entry = queue.find(record.id);
    if (entry == nullptr) continue;
    if (!record.voided.empty() && void_copies(queue, ledger, record.id, record.voided)) {
      const RecordType type = queue.find(record.id) == nullptr ? RecordType::done : RecordType::moved;
      while (!append_ending(record.id, record.voided, type, foreign_flag(record.voided)))
        RP_CO_CHECK(co_await room());
      continue;
    }
    if (record.has_state() && join_state(queue, *entry, record)) restate.push_back(record.id);
  }
  std::ranges::sort(restate);
  restate.erase(std::ranges::unique(restate).begin(), restate.end());
  for (const MessageId id : restate) {
    while (true) {
      Entry* entry = queue.find(id);
      if (entry == nullptr || write_state(*entry, {})) break;
      RP_CO_CHECK(co_await room());
    }
  }
  RP_CO_CHECK(co_await flush());
  start_info.exchange->settle();
  co_return Result<void>{};
}

// Little by little: new mail is taken meanwhile. Before it is handed over nobody changes what has become of it.
Task<Result<void>> Spool::State::announce_recovered() {
  Survey left(shared_from_this());
  const Survey::HandedTo to = [this](MessageId id, std::span<const std::byte> envelope) {
    Entry* entry = queue.find(id);
    if (!entry->is(Entry::unannounced)) return;
    entry->clear(Entry::unannounced);
    envelope.empty() ? announce(id, true) : announce_with(*entry, envelope, true);
  };
  const Survey::Ahead ahead = [this](MessageId id) { listener->next(id); };
  while (co_await left.hand_over(to, ahead)) {
  }
  if (closing) co_return fail(ErrorKind::cancelled, "the spool is closing");
  co_return Result<void>{};
}

void Spool::State::upkeep() {
  announce_again();
  if (guest != nullptr) guest->upkeep();
  figures.messages.set(static_cast<std::int64_t>(queue.index().size()));
  figures.tried.set(static_cast<std::int64_t>(queue.states().size()));
  figures.index_bytes.set(static_cast<std::int64_t>(queue.index().memory() + queue.states().memory()));
  figures.refusing.set(full() ? 1 : 0);
  figures.in_memory.set(static_cast<std::int64_t>(held.size()));
  figures.unwritten_states.set(static_cast<std::int64_t>(postponed.size() + lost_endings.size()));
  if (!elsewhere_released && start_info.exchange->all_settled()) {
    elsewhere_released = true;
    log->release_elsewhere();
  }
}

Task<void> Spool::State::close() {
  std::vector<MessageId> in_memory;
  for (const auto& [id, message] : held) in_memory.push_back({id});
  for (const MessageId id : in_memory)
    if (Entry* entry = queue.find(id);
        entry != nullptr && entry->is(Entry::in_memory) && !write_state(*entry, {}))
      postpone(*entry);
  (void)co_await flush();
  closing = true;
  if (guest != nullptr) co_await guest->close();
  while (background != 0) co_await quiet.wait();
  static_cast<ListLink<shard::TurnHook>&>(hook).unlink();
  co_await log->close();
}

}  // namespace ringpost::spool
