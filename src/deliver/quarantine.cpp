#include "quarantine.hpp"

#include <algorithm>

#include "ringpost/deliver/limits.hpp"

#include "service_state.hpp"

namespace ringpost::deliver {

Quarantine::Quarantine(shard::Core& core, std::function<void()> due)
    : Timer([](Timer& self) { static_cast<Quarantine&>(self).due_(); }), core_(core), due_(std::move(due)) {
  core.figures().add("filter_quarantine_messages", "Messages in the quarantine.", messages_);
}

bool Quarantine::wants(const mail::EnvelopeRecord& envelope, std::span<const spool::Outcome> outcomes) {
  if ((envelope.facts().flags & mail::kQuarantined) == 0) return false;
  return std::ranges::all_of(outcomes, [](const spool::Outcome& outcome) {
    return outcome.state == spool::RecipientState::pending && outcome.attempts == 0 && outcome.code == 0;
  });
}

void Quarantine::add(MessageId id, WallTime arrival) {
  held_.emplace(id.value, arrival);
  messages_.set(static_cast<std::int64_t>(held_.size()));
  watch();
}

bool Quarantine::take(MessageId id) {
  const bool was_here = held_.erase(id.value) > 0;
  messages_.set(static_cast<std::int64_t>(held_.size()));
  return was_here;
}

void Quarantine::set_lifetime(Duration lifetime) {
  lifetime_ = lifetime;
  watch();
}

// Ids rise with time on a core, so the first is the oldest; of shards that were adopted, nearly.
void Quarantine::watch(Duration grace) {
  if (held_.empty()) return core_.timers().disarm(*this);
  const WallTime date = held_.begin()->second + lifetime_;
  core_.timers().arm(*this, core_.now() + std::max(date - core_.wall_now(), grace));
}

// ---- what Service makes of it

namespace {

void announce_end(shard::Core& core, MessageId id, const mail::EnvelopeRecord& envelope,
                  std::uint32_t recipient, std::string_view why) {
  core.events()
      .begin(observe::EventType::cancelled, core.wall_now())
      .add(observe::EventKey::queue_id, id)
      .add(observe::EventKey::sender, envelope.reverse_path())
      .add(observe::EventKey::recipient, envelope.recipient(recipient).address)
      .add(observe::EventKey::text, why)
      .finish();
}

}  // namespace

// Those of the quarantine that are meant: one, or all.
std::vector<MessageId> Service::State::in_quarantine(MessageId id) const {
  std::vector<MessageId> ids;
  if (id == MessageId{}) {
    for (const auto& [each, arrival] : quarantine.held()) ids.push_back(MessageId{each});
  } else if (quarantine.contains(id)) {
    ids.push_back(id);
  }
  return ids;
}

// Durable when it returns; then its mail goes its way.
Task<std::size_t> Service::State::release_from_quarantine(MessageId which) {
  ++errands;
  std::size_t released = 0, looked_at = 0;
  for (const MessageId id : in_quarantine(which)) {
    if (++looked_at % kSelectedPerTurn == 0) co_await shard::Yield{core};
    auto loaded = co_await parts.spool->load(id);
    if (!loaded || draining || !quarantine.take(id)) continue;
    for (spool::Outcome& outcome : loaded->outcomes) {
      outcome.next_attempt = core.wall_now();
      outcome.code = kReleasedCode;
    }
    parts.spool->record(id, loaded->outcomes);
    queue.add(parts.settings->router, parts.settings->retry, id, loaded->envelope, loaded->outcomes);
    ++released;
  }
  quarantine.watch();
  (void)co_await parts.spool->flush();
  --errands;
  wake.notify_one();
  co_return released;
}

Task<std::size_t> Service::State::end_in_quarantine(std::vector<MessageId> ids, std::string_view why) {
  ++errands;
  std::size_t ended = 0, looked_at = 0;
  for (const MessageId id : ids) {
    if (++looked_at % kSelectedPerTurn == 0) co_await shard::Yield{core};
    auto loaded = co_await parts.spool->load(id);
    if (!loaded || draining || !quarantine.take(id)) continue;
    for (spool::Outcome& outcome : loaded->outcomes) {
      outcome.state = spool::RecipientState::cancelled;
      announce_end(core, id, loaded->envelope, outcome.recipient, why);
    }
    parts.spool->record(id, loaded->outcomes);
    ++ended;
  }
  (void)co_await parts.spool->flush();
  --errands;
  wake.notify_one();
  co_return ended;
}

Task<void> Service::State::expire_in_quarantine() {
  std::vector<MessageId> old;
  for (const auto& [id, arrival] : quarantine.held())
    if (arrival + quarantine.lifetime() <= core.wall_now()) old.push_back(MessageId{id});
  co_await end_in_quarantine(std::move(old), "expired in the quarantine");
  quarantine.watch(kExpiryGrace);
}

std::size_t Service::quarantined() const {
  return state_->quarantine.size();
}

Task<std::vector<QuarantinedMessage>> Service::list_quarantine(MessageId after, std::size_t limit) {
  State& state = *state_;
  std::vector<MessageId> ids;
  for (auto at = state.quarantine.held().upper_bound(after.value);
       at != state.quarantine.held().end() && ids.size() < std::min(limit, kListPageMax); ++at)
    ids.push_back(MessageId{at->first});
  std::vector<QuarantinedMessage> page;
  for (const MessageId id : ids)
    if (auto shown = co_await state.describe_quarantined(id)) page.push_back(std::move(*shown));
  co_return page;
}

Task<std::vector<QuarantinedMessage>> Service::show_quarantined(MessageId id) {
  std::vector<QuarantinedMessage> shown;
  if (state_->quarantine.contains(id))
    if (auto one = co_await state_->describe_quarantined(id)) shown.push_back(std::move(*one));
  co_return shown;
}

Task<std::optional<QuarantinedMessage>> Service::State::describe_quarantined(MessageId id) {
  const auto loaded = co_await parts.spool->load(id);
  if (!loaded) co_return std::nullopt;
  const mail::EnvelopeRecord& envelope = loaded->envelope;
  QuarantinedMessage shown{.id = id,
                           .arrival = envelope.facts().arrival,
                           .expiry = envelope.facts().arrival + quarantine.lifetime(),
                           .sender = std::string(envelope.reverse_path()),
                           .client = std::string(envelope.facts().peer_address),
                           .size = envelope.facts().body.size};
  for (std::size_t i = 0; i < envelope.recipient_count(); ++i)
    shown.recipients.emplace_back(envelope.recipient(i).address);
  const std::uint64_t header =
      std::min<std::uint64_t>(envelope.facts().body.separator_offset, kShownHeaderMax);
  const auto head = co_await parts.spool->head(id, static_cast<std::size_t>(header));
  if (head)
    for (const auto piece : head->pieces())
      shown.header.append(reinterpret_cast<const char*>(piece.data()), piece.size());
  co_return shown;
}

Task<std::size_t> Service::release_quarantined(MessageId id) {
  co_return co_await state_->release_from_quarantine(id);
}

Task<std::size_t> Service::delete_quarantined(MessageId id) {
  State& state = *state_;
  co_return co_await state.end_in_quarantine(state.in_quarantine(id), "deleted from the quarantine");
}

}  // namespace ringpost::deliver
