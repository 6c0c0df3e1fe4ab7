// What the records of the log say at start, one after the other.
#include <algorithm>

#include "spool_state.hpp"

namespace ringpost::spool {

void Exchange::opened() {
  const std::scoped_lock lock(mutex_);
  ++opened_;
}
void Exchange::leave(MessageId id, Fact fact) {
  const std::scoped_lock lock(mutex_);
  facts_.emplace(id.value, std::move(fact));
}
void Exchange::settled() {
  const std::scoped_lock lock(mutex_);
  ++settled_;
}
bool Exchange::all_settled() const {
  const std::scoped_lock lock(mutex_);
  return opened_ == settled_;
}

std::vector<std::pair<MessageId, Exchange::Fact>> Exchange::take(const std::function<bool(MessageId)>& wanted) {
  const std::scoped_lock lock(mutex_);
  std::vector<std::pair<MessageId, Fact>> taken;
  for (auto fact = facts_.begin(); fact != facts_.end();) {
    if (!wanted({fact->first})) {
      ++fact;
      continue;
    }
    taken.emplace_back(MessageId{fact->first}, std::move(fact->second));
    fact = facts_.erase(fact);
  }
  std::ranges::sort(taken, {}, [](const auto& entry) { return entry.second.order; });
  return taken;
}

void Spool::State::visit(const journal::RecordView& view) {
  switch (view.type) {
    case kBody: bodies[view.id.value] = view.where; break;
    case kChunk:
      if (const auto header = decode_header<ChunkHeader>(view.payload)) {
        auto& known = chunks[view.id.value];
        // A chunk that was moved comes again; the later one counts.
        std::erase_if(known, [&](const Details::Chunk& chunk) { return chunk.offset == header->offset; });
        known.push_back({header->offset, view.where});
      }
      break;
    case kEnvelope: visit_envelope(view); break;
    case kState: visit_negation(view, false); break;
    case kDone: visit_negation(view, true); break;
    default: break;  // of a newer version, or not ours
  }
}

void Spool::State::visit_envelope(const journal::RecordView& view) {
  const auto header = decode_header<EnvelopeHeader>(view.payload);
  if (!header) return;
  const auto [found, fresh] = messages.try_emplace(view.id.value);
  Entry& entry = found->second;
  if (fresh)
    entry.open = header->recipient_count;
  else
    moved_from.emplace_back(view.id, entry.envelope);
  entry.envelope = view.where;
  entry.size = header->body_size;
  entry.recipients = header->recipient_count;
  entry.promised = true;
  if (header->chunked == 0) entry.body = bodies[view.id.value];
}

void Spool::State::visit_negation(const journal::RecordView& view, bool done) {
  auto negation = decode_negation(view.payload);
  if (!negation) return;
  Entry* entry = find(view.id);
  if (done) ends.emplace_back(view.where, negation->segments);
  if (entry == nullptr) {
    // Of a message that is gone; or of one in a shard that another core holds today.
    const bool elsewhere = std::ranges::any_of(negation->segments, [&](const journal::SegmentName& name) {
      return std::ranges::find(shards, name.shard) == shards.end();
    });
    if (elsewhere)
      start.exchange->leave(view.id, {.order = view.order, .done = done, .negation = std::move(*negation)});
    return;
  }
  if (done) {
    messages.erase(view.id.value);
    return;
  }
  apply(*entry, negation->outcomes);
  entry->details->state = view.where;
}

// After the last record: what of all that was read still counts.
void Spool::State::count_live() {
  for (auto& [value, entry] : messages) {
    if (const auto found = chunks.find(value); found != chunks.end() && !entry.body) {
      entry.more().chunks = std::move(found->second);
      std::ranges::sort(entry.details->chunks, {}, &Details::Chunk::offset);
    }
    log->add_live(entry.envelope);
    if (entry.body) log->add_live(entry.body);
    if (!entry.details) continue;
    if (entry.details->state) log->add_live(entry.details->state);
    for (const Details::Chunk& chunk : entry.details->chunks) log->add_live(chunk.where);
  }
  for (const auto& [where, names] : ends) log->add_pin(where, names);
  for (const auto& [id, where] : moved_from)
    if (Entry* entry = find(id)) entry->more().older.push_back(log->name_of(where));
  moved_from = {};
  ends = {};
  bodies = {};
  chunks = {};
  figures.messages.set(static_cast<std::int64_t>(messages.size()));
}

// What other shards know of our messages becomes a record of our own log.
Task<Result<void>> Spool::State::take_exchanged() {
  for (auto& [id, fact] : start.exchange->take([&](MessageId wanted) { return find(wanted) != nullptr; })) {
    Entry* entry = find(id);
    if (entry == nullptr) continue;
    if (fact.done) {
      end(id, *entry);
    } else {
      apply(*entry, fact.negation.outcomes);
      if (entry->open == 0)
        end(id, *entry);
      else
        put_state(id, *entry);
    }
  }
  co_await log->drained();
  start.exchange->settled();
  co_return Result<void>{};
}

}  // namespace ringpost::spool
