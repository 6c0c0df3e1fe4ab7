#include "ringpost/spool/spool.hpp"

#include <algorithm>

#include "ringpost/base/assert.hpp"

#include "spool_state.hpp"

namespace ringpost::spool {

Spool::Spool(std::shared_ptr<State> state) : state_(std::move(state)) {}
Spool::~Spool() = default;

FramePool& Spool::frames() {
  return state_->core.frames();
}

Task<Result<std::unique_ptr<Spool>>> Spool::open(shard::Core& core, SpoolOptions options, SpoolStart start,
                                                 std::vector<unsigned> adopt, journal::Part* part) {
  RP_ASSERT(core.index() < kShardsMax);
  std::unique_ptr<Spool> spool(
      new Spool(std::make_shared<State>(core, std::move(options), std::move(start))));
  spool->state_->guest = part;
  RP_CO_CHECK(co_await spool->state_->open(std::move(adopt)));
  co_return spool;
}

Task<Result<void>> Spool::accept(MessageId id, const mail::Envelope& envelope,
                                 const mail::ArrivalFacts& facts,
                                 std::span<const std::span<const std::byte>> pieces) {
  return state_->accept(id, envelope, facts, pieces);
}

Result<Incoming> Spool::begin() {
  if (state_->full()) {
    auto refused = state_->refuse_now();
    return fail(std::move(refused).error());
  }
  auto state = std::make_unique<Incoming::State>();
  state->spool = state_;
  state->body_id = next_id().value;
  return Incoming(std::move(state));
}

Task<Result<void>> Spool::accept(MessageId id, const mail::Envelope& envelope,
                                 const mail::ArrivalFacts& facts, Incoming incoming) {
  return state_->accept_large(id, envelope, facts, std::move(incoming));
}

std::string_view to_string(Refusal refusal) {
  switch (refusal) {
    case Refusal::none:
      return "";
    case Refusal::closing:
      return "the server is going down";
    case Refusal::write_errors:
      return "the disk of the spool fails";
    case Refusal::disk_space:
      return "the disk has less than spool.free_space_min free";
    case Refusal::segments:
      return "no file of the log is free but the one kept for what becomes of queued mail";
    case Refusal::index_memory:
      return "the queue has reached spool.index_memory";
    case Refusal::core_memory:
      return "the core has hardly any memory left";
  }
  return "";
}

Refusal Spool::refusing(mail::Durability level) const {
  return state_->refusing(level);
}
Refusal Spool::refusing() const {
  return state_->refusing();
}

MessageId Spool::next_id() {
  return state_->next_id();
}
MessageId Spool::State::next_id() {
  RP_ASSERT(next_sequence < (std::uint64_t{1} << MessageId::kSequenceBits));
  return MessageId::make(start_info.epoch, own_shard, next_sequence++);
}

Task<Result<void>> Spool::start(Announcements& listener) {
  return state_->start(listener);
}

void Spool::record(MessageId id, FinishedTarget finished) {
  state_->record(id, finished);
}
void Spool::record(MessageId id, std::span<const Outcome> outcomes) {
  state_->record(id, outcomes);
}

Task<Result<void>> Spool::flush() {
  return state_->flush();
}
Task<void> Spool::close() {
  return state_->close();
}

Task<Result<Spool::Loaded>> Spool::load(MessageId id) {
  return state_->load(id);
}

bool Spool::refresh(MessageId id, Loaded& loaded) const {
  return state_->refresh(id, loaded);
}

std::uint64_t Spool::size_of(MessageId id) const {
  if (const auto found = state_->held.find(id.value); found != state_->held.end()) return found->second->size;
  const Entry* entry = state_->queue.find(id);
  return entry == nullptr ? 0 : state_->queue.size_of(*entry);
}

Task<Result<Body>> Spool::body(MessageId id) {
  return state_->part(id, 0, kMessageSizeMax.count);
}
Task<Result<Body>> Spool::part(MessageId id, std::uint64_t offset, std::uint64_t size) {
  return state_->part(id, offset, size);
}
Task<Result<Body>> Spool::head(MessageId id, std::size_t size) {
  return state_->part(id, 0, size);
}

std::size_t Spool::message_count() const {
  return state_->queue.index().size();
}

std::vector<MessageId> Spool::ids(MessageId after, std::size_t limit) const {
  std::vector<MessageId> found;  // a heap with the largest in front
  const Queue& queue = state_->queue;
  queue.index().for_each([&](const Entry& entry) {
    const MessageId id{entry.id};
    if (id <= after || limit == 0) return;
    if (found.size() == limit) {
      if (found.front() < id) return;
      std::ranges::pop_heap(found);
      found.pop_back();
    }
    found.push_back(id);
    std::ranges::push_heap(found);
  });
  std::ranges::sort_heap(found);
  return found;
}

bool Spool::contains(MessageId id) const {
  return state_->queue.find(id) != nullptr;
}
bool Spool::recovered() const {
  return state_->recovery_over;
}
const journal::RecoveryReport& Spool::recovery() const {
  return state_->report;
}
const std::vector<MessageId>& Spool::damaged_messages() const {
  return state_->damaged_messages;
}
journal::Log& Spool::log() {
  return *state_->log;
}

}  // namespace ringpost::spool
