// What becomes of recipients, and the end of a message.
#include <algorithm>

#include "spool_state.hpp"

namespace ringpost::spool {

namespace {

bool is_final(RecipientState state) { return state != RecipientState::pending; }

}  // namespace

void Spool::State::apply(Entry& entry, std::span<const Outcome> changes) const {
  Details& details = entry.more();
  if (details.outcomes.empty()) {
    details.outcomes.resize(entry.recipients);
    for (std::uint32_t i = 0; i < entry.recipients; ++i) details.outcomes[i].recipient = i;
  }
  for (const Outcome& change : changes) {
    if (change.recipient >= entry.recipients) continue;
    Outcome& known = details.outcomes[change.recipient];
    if (is_final(known.state)) continue;
    known = change;
    if (is_final(change.state)) --entry.open;
  }
}

void Spool::State::record(MessageId id, std::span<const Outcome> changes) {
  Entry* entry = find(id);
  if (entry == nullptr) return;
  // The usual case, all of a message at once, needs no outcome kept.
  const bool all = changes.size() == entry->recipients && entry->open == entry->recipients &&
                   std::ranges::all_of(changes, [](const Outcome& change) { return is_final(change.state); });
  if (!all) apply(*entry, changes);
  if (all || entry->open == 0)
    end(id, *entry);
  else if (!entry->in_memory())
    put_state(id, *entry);
  else if (!std::exchange(entry->writing, true))
    core.spawn(write_out(shared_from_this(), id));
}

std::vector<journal::SegmentName> Spool::State::names_of(const Entry& entry) const {
  std::vector<journal::SegmentName> names;
  if (entry.envelope) names.push_back(log->name_of(entry.envelope));
  if (entry.details)
    for (const journal::SegmentName& name : entry.details->older)
      if (log->in_use(name) && std::ranges::find(names, name) == names.end()) names.push_back(name);
  return names;
}

void Spool::State::put_state(MessageId id, Entry& entry) {
  encode({.segments = names_of(entry), .outcomes = entry.details->outcomes}, scratch);
  const std::array<std::span<const std::byte>, 1> parts{std::span<const std::byte>(scratch)};
  const std::array<journal::Record, 1> records{journal::Record{.type = kState, .id = id, .parts = parts}};
  std::array<journal::Location, 1> where{};
  if (!log->append(records, where, true)) {
    unwritten_states.push_back(id);
    return;
  }
  log->add_live(where[0]);
  const journal::Location before = std::exchange(entry.details->state, where[0]);
  if (before) log->drop_live(before);
}

// A DONE outlives every segment that holds an envelope of its message: else a crash would bring the message back.
void Spool::State::put_done(MessageId id, std::vector<journal::SegmentName> names) {
  encode({.segments = names, .outcomes = {}}, scratch);
  const std::array<std::span<const std::byte>, 1> parts{std::span<const std::byte>(scratch)};
  const std::array<journal::Record, 1> records{journal::Record{.type = kDone, .id = id, .parts = parts}};
  std::array<journal::Location, 1> where{};
  if (log->append(records, where, true))
    log->add_pin(where[0], names);
  else
    unwritten_ends.emplace_back(id, std::move(names));
}

void Spool::State::end(MessageId id, Entry& entry) {
  if (!entry.in_memory()) {
    const std::size_t before = unwritten_ends.size();
    put_done(id, names_of(entry));
    // What is not yet negated on disk must not be given back there.
    if (unwritten_ends.size() != before) return;
  }
  forget(id, entry);
  figures.ended.add();
}

void Spool::State::forget(MessageId id, Entry& entry) {
  if (entry.envelope) log->drop_live(entry.envelope);
  if (entry.body) log->drop_live(entry.body);
  if (entry.details) {
    if (entry.details->state) log->drop_live(entry.details->state);
    for (const Details::Chunk& chunk : entry.details->chunks) log->drop_live(chunk.where);
  }
  messages.erase(id.value);
  figures.messages.set(static_cast<std::int64_t>(messages.size()));
}

void Spool::State::retry_facts() {
  for (const MessageId id : std::exchange(unwritten_states, {}))
    if (Entry* entry = find(id); entry != nullptr && entry->open != 0) put_state(id, *entry);
  for (auto& [id, names] : std::exchange(unwritten_ends, {})) {
    if (Entry* entry = find(id))
      end(id, *entry);
    else
      put_done(id, std::move(names));
  }
}

}  // namespace ringpost::spool
