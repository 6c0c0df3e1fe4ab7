// What becomes of recipients, and of messages: announced, recorded, ended. And what a failed frame took along.
#include <algorithm>

#include "ringpost/base/assert.hpp"
#include "ringpost/journal/limits.hpp"

#include "spool_state.hpp"

namespace ringpost::spool {

// Of a frame long ago the log may not know any more that it was good; who was told 250 does.
bool Spool::State::is_promised(MessageId id) const {
  const Entry* entry = queue.find(id);
  return entry != nullptr && entry->is(Entry::promised);
}

// Messages are announced in the order in which their frames were written.
void Spool::State::turn_end() {
  while (!awaiting.empty() && listener != nullptr && awaiting.front().frame <= log->newest_settled().frame) {
    const Awaiting next = awaiting.front();
    awaiting.pop_front();
    if (next.frame == 0 || !log->failed({next.frame}) || is_promised(next.id)) announce(next.id, false);
  }
  while (!awaiting_no_disk.empty() && listener != nullptr) {
    const MessageId next = awaiting_no_disk.front();
    awaiting_no_disk.pop_front();
    announce(next, false);
  }
  if (!postponed.empty() || !lost_endings.empty()) retry_postponed();
}

std::vector<Outcome> Spool::State::outcomes_of(const Entry& entry) const {
  std::vector<Outcome> all(entry.recipients);
  for (std::uint32_t i = 0; i < all.size(); ++i) all[i].recipient = i;
  if (entry.state == 0) return all;
  for (const PackedOutcome& outcome : queue.states().outcomes(entry.state))
    if (outcome.recipient < all.size()) all[outcome.recipient] = unpack(outcome);
  return all;
}

void Spool::State::announce(MessageId id, bool recovered) {
  const Entry* entry = queue.find(id);
  if (entry == nullptr) return;  // refused, or ended already
  if (const auto found = held.find(id.value); found != held.end()) {
    const auto keep = found->second;
    announce_with(*entry, keep->envelope, recovered);
    return;
  }
  const auto bytes = log->peek(entry->envelope);
  if (bytes.data() == nullptr)
    core.spawn(announce_cold(shared_from_this(), id, recovered));
  else
    announce_with(*entry, bytes, recovered);
}

void Spool::State::announce_with(const Entry& entry, std::span<const std::byte> envelope, bool recovered) {
  const MessageId id{entry.id};
  const auto decoded = mail::EnvelopeRecord::decode(envelope);
  if (!decoded) return note_damaged(id);
  const auto outcomes = outcomes_of(entry);  // the entry may go while the listener is told
  listener->queued({.id = id, .envelope = &*decoded, .outcomes = outcomes, .recovered = recovered});
}

// Its envelope could not be read just now: a disk in trouble, or no memory.
void Spool::State::announce_later(MessageId id, bool recovered) {
  if (not_announced.empty()) announce_again_at = core.now() + kAnnounceAgain;
  not_announced.push_back({id, recovered});
}

void Spool::State::announce_again() {
  if (not_announced.empty() || closing || core.now() < announce_again_at) return;
  for (const NotAnnounced& each : std::exchange(not_announced, {})) announce(each.id, each.recovered);
}

Task<void> Spool::State::announce_cold(std::shared_ptr<State> self, MessageId id, bool recovered) {
  ++background;
  const Entry* entry = queue.find(id);
  while (entry != nullptr && !closing) {
    const journal::Location where = entry->envelope;
    const auto envelope = co_await read_envelope(id);
    entry = queue.find(id);
    if (entry == nullptr || closing) break;
    if (envelope) {
      announce_with(*entry, *envelope, recovered);
      break;
    }
    if (envelope.error().kind != ErrorKind::permanent) {
      announce_later(id, recovered);
      break;
    }
    // Unless it has been moved meanwhile it is held back: who delivers it could read it no better.
    if (entry->envelope == where) {
      note_damaged(id);
      break;
    }
  }
  --background;
  quiet.notify_all();
}

void Spool::State::record(MessageId id, std::span<const Outcome> outcomes) {
  Entry* entry = queue.find(id);
  if (entry == nullptr) return;
  auto& changed = changed_scratch;
  changed.clear();
  for (const Outcome& outcome : outcomes) {
    if (outcome.recipient >= entry->recipients) continue;
    const PackedOutcome packed = pack(outcome);
    if (queue.states().merge(queue.state_of(*entry), packed)) changed.push_back(packed);
  }
  if (changed.empty()) return;
  if (entry->is(Entry::dirty)) return;  // all of it is written as soon as there is room
  if (!write_state(*entry, changed)) postpone(*entry);
}

// At level memory it waits for the first failure, as the message does.
void Spool::State::record(MessageId id, FinishedTarget finished) {
  Entry* entry = queue.find(id);
  if (entry == nullptr || finished.recipient >= entry->recipients) return;
  if (!queue.states().add_finished(queue.state_of(*entry), finished)) return;
  if (entry->is(Entry::dirty) || entry->is(Entry::in_memory)) return;
  if (!write_state(*entry, {}, {&finished, 1})) postpone(*entry);
}

std::vector<std::byte> Spool::State::whole_state(std::uint32_t state) const {
  return encode_state(queue.states().outcomes(state), queue.states().finished(state), true);
}

std::uint8_t Spool::State::foreign_flag(std::span<const journal::SegmentName> segments) const {
  const bool foreign = std::ranges::any_of(
      segments, [&](const journal::SegmentName& name) { return name.shard != own_shard; });
  return foreign ? kForeign : 0;
}

// Without changes all of it. False: there is no room, nothing has changed. Afterwards the entry may be gone.
bool Spool::State::write_state(Entry& entry, std::span<const PackedOutcome> changed,
                               std::span<const FinishedTarget> finished) {
  States& states = queue.states();
  const std::uint32_t state = entry.state;
  if (states.final_count(state) >= entry.recipients) return end_message(entry);
  if (entry.is(Entry::in_memory)) return held.at(entry.id)->stays || write_held(entry);
  const bool whole = (changed.empty() && finished.empty()) || !states.whole(state) ||
                     states.outcomes(state).size() + states.finished(state).size() <= kWholeStateMax ||
                     states.changes(state).size() >= kStateChangesMax;
  const auto payload = whole ? whole_state(state) : encode_state(changed, finished, false);
  Group group;
  group.add(RecordType::state, {entry.id}, payload, foreign_flag(queue.segments_of(entry)));
  const auto ticket = group.append(*log, figures, {.reserve = true});
  if (!ticket) return false;
  const journal::Location where = group.where(RecordType::state);
  log->add_live(where);
  if (whole) {
    states.take_records(state, [&](journal::Location old) { log->drop_live(old); });
    states.set_whole(state, where);
  } else {
    states.add_change(state, where);
  }
  newest_state_frame = ticket->frame;
  return true;
}

// The first failed delivery of a message at level memory, or the end of the server: now it is written.
bool Spool::State::write_held(Entry& entry) {
  const auto message = held.at(entry.id);
  const auto pieces = message->pieces();
  const MessageId id{entry.id};
  Group group;
  if (message->size != 0) group.add(RecordType::body, id, pieces);
  group.add_envelope(id, message->envelope, entry.recipients);
  std::vector<std::byte> payload;
  if (entry.state != 0) {
    payload = whole_state(entry.state);
    group.add(RecordType::state, id, payload);
  }
  const auto ticket = group.append(*log, figures, {.reserve = true});
  if (!ticket) return false;
  entry.clear(Entry::in_memory);
  queue.relocate(entry,
                 {.envelope = group.where(RecordType::envelope), .body = group.where(RecordType::body)});
  if (const journal::Location where = group.where(RecordType::state)) {
    log->add_live(where);
    // An earlier one, when its frame had failed.
    queue.states().take_records(entry.state, [&](journal::Location old) { log->drop_live(old); });
    queue.states().set_whole(entry.state, where);
  }
  held.erase(id.value);
  newest_state_frame = ticket->frame;
  return true;
}

bool Spool::State::end_message(Entry& entry) {
  const MessageId id{entry.id};
  if (!entry.is(Entry::in_memory)) {
    auto segments = queue.segments_of(entry);
    add_kept(segments, false);
    if (!append_ending(id, segments, RecordType::done, foreign_flag(segments))) return false;
  }
  held.erase(id.value);
  queue.drop(entry);
  figures.ended.add();
  return true;
}

// What could not be read whole may hold an older envelope of the message that nobody has seen.
void Spool::State::add_kept(std::vector<journal::SegmentName>& segments, bool only_foreign) const {
  for (const journal::SegmentName& name : log->kept_segments())
    if (!(only_foreign && name.shard == own_shard) && segments.size() < journal::kTargetsMax &&
        std::ranges::find(segments, name) == segments.end())
      segments.push_back(name);
}

bool Spool::State::append_ending(MessageId id, std::span<const journal::SegmentName> segments,
                                 RecordType type, std::uint8_t flags) {
  const auto payload = encode_segments(segments);
  Group group;
  group.add(type, id, payload, flags);
  const auto ticket = group.append(*log, figures, {.reserve = true});
  if (!ticket) return false;
  log->add_pin(group.where(type), segments);
  newest_state_frame = ticket->frame;
  return true;
}

// Its state is written whole when there is room. What is durable of it counts as live until then, so room can be made.
void Spool::State::postpone(Entry& entry) {
  if (entry.is(Entry::dirty)) return;
  entry.set(Entry::dirty);
  postponed.push_back({entry.id});
}

// A part of what is known of it was in a frame that failed, and superseded what is durable: nothing is given back meanwhile.
void Spool::State::postpone_lost(Entry& entry) {
  postpone(entry);
  log->hold_reclaim(true);
}

void Spool::State::retry_postponed() {
  for (std::size_t i = 0; i < kRetriesPerTurn && !lost_endings.empty(); ++i) {
    const Ending& ending = lost_endings.front();
    if (!append_ending(ending.id, ending.segments, ending.type, ending.flags)) return;
    lost_endings.pop_front();
  }
  for (std::size_t i = 0; i < kRetriesPerTurn && !postponed.empty(); ++i) {
    const MessageId id = postponed.front();
    if (Entry* entry = queue.find(id)) {
      entry->clear(Entry::dirty);
      const bool written = entry->is(Entry::in_memory) || entry->state != 0 ? write_state(*entry, {}) : true;
      if (!written) {
        queue.find(id)->set(Entry::dirty);
        return;
      }
    }
    postponed.pop_front();
  }
  if (postponed.empty() && lost_endings.empty()) log->hold_reclaim(false);
}

bool Spool::State::names_place_of(std::span<const std::byte> segments, const Entry& entry) const {
  if (!entry.envelope) return false;
  const auto place = log->name_of(entry.envelope);
  return std::ranges::any_of(decode_segments(segments), [&](const journal::SegmentName& name) {
    return journal::may_be_same(name, place);
  });
}

// A record of a frame that could not be written. Facts are written again; a message that nobody was promised is its
// sender's affair.
void Spool::State::lost(const journal::RecordView& view) {
  Entry* entry = queue.find(view.id);
  switch (static_cast<RecordType>(view.type)) {
    case RecordType::body:
      lost_body = view.payload;
      lost_body_id = view.id;
      break;
    case RecordType::envelope:
      if (entry == nullptr || !entry->is(Entry::promised)) break;
      if (entry->is(Entry::has_copies))
        queue.go_back(*entry, view.where);
      else if (entry->envelope == view.where)
        lost_envelope(view, *entry);
      break;
    case RecordType::state:
      if (entry != nullptr && entry->state != 0 && !entry->is(Entry::in_memory)) postpone_lost(*entry);
      break;
    case RecordType::done:
    case RecordType::moved:
      // With the new place of a message that went back to its old one: that one must not be voided.
      if (entry != nullptr && names_place_of(view.payload, *entry)) break;
      lost_endings.push_back(
          {view.id, static_cast<RecordType>(view.type), decode_segments(view.payload), view.flags});
      log->hold_reclaim(true);
      break;
    default:
      break;
  }
}

// Promised without being written (level relaxed): held in memory, and written with its state as soon as there is room.
void Spool::State::lost_envelope(const journal::RecordView& view, Entry& entry) {
  auto message = std::make_shared<Held>();
  message->envelope.assign(view.payload.begin(), view.payload.end());
  if (lost_body_id == view.id) {
    message->size = lost_body.size();
    if (auto blocks = blocks_for(lost_body.size())) {
      message->body = std::move(*blocks);
      auto rest = lost_body;
      for (buffer::Block& block : message->body) rest = rest.subspan(block.append(rest));
    } else {
      message->promised_body.assign(lost_body.begin(), lost_body.end());
    }
  }
  held[entry.id] = std::move(message);
  queue.remove_place(entry);
  entry.set(Entry::in_memory);
  const auto waits = std::ranges::find(awaiting, view.id, &Awaiting::id);
  if (waits != awaiting.end()) waits->frame = 0;
  postpone_lost(entry);
}

Task<Result<void>> Spool::State::flush() {
  while (true) {
    if (log->write_errors()) co_return fail(ErrorKind::temporary, "the log cannot be written");
    if (!postponed.empty() || !lost_endings.empty()) {
      retry_postponed();
      if (!postponed.empty() || !lost_endings.empty()) (void)co_await log->wait_for_room(core.now() + 1s);
      continue;
    }
    if (newest_state_frame <= log->newest_settled().frame) co_return Result<void>{};
    (void)co_await log->durable({newest_state_frame});
  }
}

}  // namespace ringpost::spool
