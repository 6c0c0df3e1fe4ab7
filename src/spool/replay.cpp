#include "replay.hpp"

#include <algorithm>

#include "ringpost/journal/format.hpp"
#include "ringpost/journal/part.hpp"
#include "ringpost/mail/envelope_record.hpp"
#include "ringpost/spool/limits.hpp"

namespace ringpost::spool {

void Replay::visit(const journal::RecordView& view) {
  switch (static_cast<RecordType>(view.type)) {
    case RecordType::body:
      bodies_[view.id.value] = {.body = view.where};
      break;
    case RecordType::chunk:
      chunk(view);
      break;
    case RecordType::body_end:
      body_end(view);
      break;
    case RecordType::envelope:
      envelope(view);
      break;
    case RecordType::state:
      state(view);
      break;
    case RecordType::done:
      done(view);
      break;
    case RecordType::moved:
      moved(view);
      break;
    default:
      break;  // of a later version, or of the mail store in the same log
  }
}

void Replay::chunk(const journal::RecordView& view) {
  auto& chunks = chunks_[view.id.value];
  if (chunks.size() < kChunksMax) chunks.push_back(view.where);
}

void Replay::body_end(const journal::RecordView& view) {
  if (view.payload.size() < sizeof(BodyEnd)) return;
  const auto end = journal::load<BodyEnd>(view.payload);
  Copy copy;
  const auto found = chunks_.find(end.body_id);
  std::uint64_t size = 0;
  if (found != chunks_.end())
    for (const journal::Location chunk : found->second) size += chunk.size;
  if (found != chunks_.end() && found->second.size() == end.chunk_count && size == end.size) {
    copy.large = Large{end.body_id, end.size, std::move(found->second), view.where};
    chunks_.erase(found);
  } else {
    copy.no_body = true;
    incomplete_places_.push_back(view.where);
    if (incomplete_.size() < kDamagedNamesMax) incomplete_[end.body_id] = view.id;
  }
  bodies_[view.id.value] = std::move(copy);
}

namespace {

// From the index table, or made from the envelope itself and the body that was seen before it.
std::optional<EnvelopeSummary> summary_of(const journal::RecordView& view, const Copy& seen) {
  if (view.summary) {
    if (view.payload.size() < sizeof(EnvelopeSummary)) return std::nullopt;
    return journal::load<EnvelopeSummary>(view.payload);
  }
  const auto decoded = mail::EnvelopeRecord::decode(view.payload);
  if (!decoded) return std::nullopt;
  EnvelopeSummary summary{.recipients = static_cast<std::uint32_t>(decoded->recipient_count())};
  if (seen.body && seen.body == body_before(view.where, seen.body.size)) summary.body_size = seen.body.size;
  const bool has_body = summary.body_size != 0 || seen.large;
  summary.no_body = seen.no_body || (!has_body && decoded->facts().body.size != 0) ? 1 : 0;
  return summary;
}

}  // namespace

// The last of one shard counts; of two shards that of the later epoch, for only a restart lets another core move it. A copy that
// has lost its body counts only when there is no other.
void Replay::envelope(const journal::RecordView& view) {
  Copy copy;
  if (const auto body = bodies_.find(view.id.value); body != bodies_.end()) {
    copy = std::move(body->second);
    bodies_.erase(body);
  }
  const auto summary = summary_of(view, copy);
  if (!summary || !view.id) {
    ++unreadable_;
    note_damaged(view.id);
    return;
  }
  copy.envelope = view.where;
  copy.body = body_before(view.where, summary->body_size);
  // An index table knows of a body in one piece only; what became of pieces the BODY_END before it has told.
  copy.no_body = copy.no_body || summary->no_body != 0 || (!copy.body && summary->body_size != 0);
  if (copy.no_body) note_bodiless(view.id);
  Entry* entry = queue_.find(view.id);
  if (entry == nullptr) {
    Entry& added = queue_.add(view.id, std::move(copy), summary->recipients);
    added.set(Entry::unannounced);
    added.set(Entry::promised);
    return;
  }
  const auto old = ledger_.name_of(entry->envelope);
  const bool newer =
      old.shard == view.shard || ledger_.epoch_of(view.where) > ledger_.epoch_of(entry->envelope);
  const bool same = copy.no_body == entry->is(Entry::no_body);
  if (same ? newer : !copy.no_body)
    queue_.relocate(*entry, std::move(copy));
  else
    queue_.add_copy(*entry, std::move(copy));
}

bool Replay::has_records_elsewhere(std::uint32_t state, unsigned shard) const {
  const auto elsewhere = [&](journal::Location where) {
    return where && ledger_.name_of(where).shard != shard;
  };
  return elsewhere(queue_.states().whole(state)) ||
         std::ranges::any_of(queue_.states().changes(state), elsewhere);
}

void Replay::state(const journal::RecordView& view) {
  auto decoded = decode_state(view.payload);
  if (!decoded) {
    ++unreadable_;
    note_damaged(view.id);
    return;
  }
  Entry* entry = queue_.find(view.id);
  if (entry == nullptr) {
    if ((view.flags & kForeign) == 0) return;
    // The message is in a shard that is not read here; until its owner has written it down, this must stay.
    const journal::SegmentName elsewhere{.shard = ~0U};
    ledger_.add_pin(view.where, {&elsewhere, 1});
    return join_foreign(view.id, *decoded);
  }
  // The shards are read one after the other, so the records of two of them do not supersede each other. One whole record
  // takes the place of all when the spool starts.
  const std::uint32_t state = queue_.state_of(*entry);
  const bool other_shard = has_records_elsewhere(state, view.shard);
  if (other_shard && (restate_.empty() || restate_.back() != view.id)) restate_.push_back(view.id);
  for (const PackedOutcome& outcome : decoded->outcomes) {
    if (outcome.recipient >= entry->recipients) continue;
    other_shard ? queue_.states().join(state, outcome) : queue_.states().merge(state, outcome);
  }
  add_finished(queue_, *entry, decoded->finished);
  ledger_.add_live(view.where);
  if (decoded->whole && !other_shard) {
    queue_.states().take_records(state, [&](journal::Location where) { ledger_.drop_live(where); });
    queue_.states().set_whole(state, view.where);
  } else {
    queue_.states().add_change(state, view.where);
  }
}

// Each start with other cores, and each attempt, may have left a record of the same message: they count as one.
void Replay::join_foreign(MessageId id, const DecodedState& state) {
  auto found = foreign_state_of_.find(id.value);
  if (found == foreign_state_of_.end()) {
    if (foreign_state_of_.size() >= foreign_max_) return void(++left_out_);
    found = foreign_state_of_.emplace(id.value, foreign_states_.make()).first;
  }
  for (const PackedOutcome& outcome : state.outcomes) foreign_states_.join(found->second, outcome);
  for (const FinishedTarget& target : state.finished) foreign_states_.add_finished(found->second, target);
}

void Replay::void_later(const journal::RecordView& view) {
  if (foreign_.size() >= foreign_max_) return void(++left_out_);
  foreign_.push_back({.id = view.id, .source = own_, .voided = decode_segments(view.payload)});
}

// A body without an envelope has ended with its message.
void Replay::done(const journal::RecordView& view) {
  bodies_.erase(view.id.value);
  const auto segments = decode_segments(view.payload);
  void_copies(queue_, ledger_, view.id, segments);
  ledger_.add_pin(view.where, segments);
  if ((view.flags & kForeign) != 0) void_later(view);
}

void Replay::moved(const journal::RecordView& view) {
  ledger_.add_pin(view.where, decode_segments(view.payload));
  void_later(view);
}

void Replay::note_damaged(MessageId id) {
  if (id && damaged_.size() < kDamagedNamesMax) damaged_.push_back(id);
}

void Replay::finish() {
  // Body and envelope are written together: a body that is left alone has lost its envelope.
  for (const auto& [id, copy] : bodies_) {
    ++unreadable_;
    note_damaged({id});
  }
  bodies_.clear();
  for (const journal::Location where : incomplete_places_) ledger_.keep_beside_unread(where);
  for (const auto& [id, chunks] : chunks_)
    for (const journal::Location where : chunks) ledger_.keep_beside_unread(where);
  for (const ForeignRecord& record : foreign_)
    if (!record.voided.empty()) void_copies(queue_, ledger_, record.id, record.voided);
  foreign_.reserve(foreign_.size() + foreign_state_of_.size());
  for (const auto& [id, state] : foreign_state_of_) {
    const auto outcomes = foreign_states_.outcomes(state);
    const auto finished = foreign_states_.finished(state);
    const ForeignRecord& record =
        foreign_.emplace_back(ForeignRecord{.id = {id},
                                            .source = own_,
                                            .outcomes = {outcomes.begin(), outcomes.end()},
                                            .finished = {finished.begin(), finished.end()}});
    // It may have come before the envelope that it is about: the shards are read one after the other.
    Entry* entry = queue_.find(record.id);
    if (entry != nullptr && join_state(queue_, *entry, record)) restate_.push_back(record.id);
  }
  foreign_state_of_.clear();
  foreign_states_ = {};
  count_bodiless();
}

// Cold segments come first, so a copy without its body is nothing unusual, and others of the message may have it.
void Replay::note_bodiless(MessageId id) {
  if (bodiless_.size() < kDamagedNamesMax)
    bodiless_.push_back(id);
  else
    more_bodiless_ = true;
}

void Replay::count_bodiless() {
  if (more_bodiless_) {
    bodiless_.clear();
    queue_.index().for_each([&](const Entry& entry) {
      if (!entry.is(Entry::no_body)) return;
      ++without_body_;
      note_damaged({entry.id});
    });
  }
  std::ranges::sort(bodiless_);
  bodiless_.erase(std::ranges::unique(bodiless_).begin(), bodiless_.end());
  for (const MessageId id : bodiless_) {
    const Entry* entry = queue_.find(id);
    if (entry == nullptr || !entry->is(Entry::no_body)) continue;
    ++without_body_;
    note_damaged(id);
  }
}

MessageId named_by(const journal::Damage& damage, const Queue& queue, const Replay* replay) {
  if (journal::Part::has_type(damage.type)) return {};  // another one's record
  if (damage.torn_tail || damage.type != static_cast<std::uint8_t>(RecordType::chunk))
    return damage.torn_tail ? MessageId{} : damage.id;
  const auto owner = queue.message_of_body(damage.id.value);
  if (owner || replay == nullptr) return owner.value_or(MessageId{});
  return replay->owner_of_incomplete(damage.id.value).value_or(MessageId{});
}

bool add_finished(Queue& queue, Entry& entry, std::span<const FinishedTarget> finished) {
  if (finished.empty()) return false;
  bool any = false;
  const std::uint32_t state = queue.state_of(entry);
  for (const FinishedTarget& target : finished)
    if (target.recipient < entry.recipients && queue.states().add_finished(state, target)) any = true;
  return any;
}

bool join_state(Queue& queue, Entry& entry, const ForeignRecord& record) {
  bool any = false;
  const std::uint32_t state = queue.state_of(entry);
  for (const PackedOutcome& outcome : record.outcomes)
    if (outcome.recipient < entry.recipients && queue.states().join(state, outcome)) any = true;
  return add_finished(queue, entry, record.finished) || any;
}

bool void_copies(Queue& queue, const Ledger& ledger, MessageId id,
                 std::span<const journal::SegmentName> segments) {
  bool any = false;
  queue.remove_copies(id, [&](journal::Location envelope) {
    const journal::SegmentName place = ledger.name_of(envelope);
    const bool voided = std::ranges::any_of(
        segments, [&](const journal::SegmentName& name) { return journal::may_be_same(name, place); });
    any = any || voided;
    return voided;
  });
  return any;
}

}  // namespace ringpost::spool
