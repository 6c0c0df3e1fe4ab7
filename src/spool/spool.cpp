#include "ringpost/spool/spool.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "spool_state.hpp"

namespace ringpost::spool {

namespace {

std::string shard_directory(const SpoolOptions& options, unsigned shard) {
  return fmt::format("{}/shard-{:03}", options.directory.text, shard);
}

journal::LogOptions log_options(const SpoolOptions& options) {
  return {.segment_size = options.segment_size,
          .buffer_memory = options.buffer_memory,
          .free_space_min = options.free_space_min.value / 100,
          .free_segments_ahead = options.segments_ahead,
          .compact_after = options.compact_after};
}

}  // namespace

Spool::Spool(std::shared_ptr<State> state) : state_(std::move(state)) {}
Spool::~Spool() = default;
FramePool& Spool::frames() { return state_->core.frames(); }

Task<Result<std::unique_ptr<Spool>>> Spool::open(shard::Core& core, SpoolOptions options, SpoolStart start,
                                                 std::vector<unsigned> adopt) {
  auto state = std::make_shared<State>(core, options, start);
  journal::Log::Place place{.directory = shard_directory(options, core.index()),
                            .shard = core.index(),
                            .epoch = start.epoch,
                            .spool_id = start.spool_id};
  state->shards = adopt;
  state->shards.push_back(core.index());
  for (const unsigned shard : adopt) place.orphans.push_back({shard_directory(options, shard), shard});
  state->log = RP_CO_TRY(co_await journal::Log::open(
      core, log_options(options), std::move(place), [&](const journal::RecordView& view) { state->visit(view); },
      &state->report));
  state->count_live();
  State* inside = state.get();
  state->log->set_carry([inside](const journal::RecordView& view) { return inside->carry(view); });
  state->log->set_lost([inside](const journal::RecordView& view) { inside->lost(view); });
  state->log->set_upkeep([inside] { inside->upkeep(); });
  start.exchange->opened();
  co_return std::unique_ptr<Spool>(new Spool(std::move(state)));
}

Task<Result<void>> Spool::start(Announcements& listener) {
  State& state = *state_;
  RP_CO_CHECK(co_await state.take_exchanged());
  state.listener = &listener;
  for (const MessageId id : ids({}, SIZE_MAX))
    if (id.epoch() != state.start.epoch) co_await state.announce(id, true);
  state.log->start_reclaim();
  co_return Result<void>{};
}

Task<Result<void>> Spool::accept(MessageId id, const mail::Envelope& envelope, const mail::ArrivalFacts& facts,
                                 std::span<const std::span<const std::byte>> pieces) {
  return state_->accept(id, envelope, facts, pieces);
}

bool Spool::full() const { return !state_->log->accepts_messages() || state_->core.buffers().tight(); }
MessageId Spool::next_id() {
  return MessageId::make(state_->start.epoch, state_->core.index(), ++state_->sequence);
}
void Spool::record(MessageId id, std::span<const Outcome> outcomes) { state_->record(id, outcomes); }

Task<Result<void>> Spool::flush() {
  state_->retry_facts();
  co_await state_->log->drained();
  if (!state_->unwritten_ends.empty() || !state_->unwritten_states.empty())
    co_return fail(ErrorKind::exhausted, "the log has no room for what became of messages");
  co_return Result<void>{};
}

Task<void> Spool::close() {
  State& state = *state_;
  state.closing = true;
  for (const MessageId id : ids({}, SIZE_MAX))
    if (Entry* entry = state.find(id); entry->in_memory() && !std::exchange(entry->writing, true))
      state.core.spawn(state.write_out(state_, id));
  while (state.writing != 0) co_await state.written.wait();
  (void)co_await flush();
  co_await state.log->close();
}

std::uint64_t Spool::size_of(MessageId id) const {
  const Entry* entry = state_->find(id);
  return entry == nullptr ? 0 : entry->size;
}
std::size_t Spool::message_count() const { return state_->messages.size(); }
bool Spool::contains(MessageId id) const { return state_->find(id) != nullptr; }
const journal::RecoveryReport& Spool::recovery() const { return state_->report; }
journal::Log& Spool::log() { return *state_->log; }

std::vector<MessageId> Spool::ids(MessageId after, std::size_t limit) const {
  std::vector<MessageId> found;
  for (const auto& [value, entry] : state_->messages)
    if (value > after.value) found.push_back({value});
  const auto end = found.begin() + static_cast<std::ptrdiff_t>(std::min(limit, found.size()));
  std::ranges::partial_sort(found, end);
  found.erase(end, found.end());
  return found;
}

}  // namespace ringpost::spool
