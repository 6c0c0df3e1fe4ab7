// Records that must be written again: of a segment that is being emptied, and of a frame that failed.
#include <algorithm>

#include "spool_state.hpp"

namespace ringpost::spool {

namespace {

Result<journal::Location> append_one(journal::Log& log, std::uint8_t type, MessageId id,
                                     std::span<const std::byte> payload) {
  const std::array<std::span<const std::byte>, 1> parts{payload};
  const std::array<journal::Record, 1> records{journal::Record{.type = type, .id = id, .parts = parts}};
  std::array<journal::Location, 1> where{};
  RP_CHECK(log.append(records, where, true));
  return where[0];
}

}  // namespace

Task<Result<void>> Spool::State::carry(const journal::RecordView& view) {
  Entry* entry = find(view.id);
  if (view.type == kDone) {
    const auto negation = decode_negation(view.payload);
    if (!negation) co_return Result<void>{};
    std::vector<journal::SegmentName> needed;
    const journal::SegmentName here = log->name_of(view.where);
    for (const journal::SegmentName& name : negation->segments)
      if (name != here && log->in_use(name)) needed.push_back(name);
    if (!needed.empty()) put_done(view.id, std::move(needed));
    co_return Result<void>{};
  }
  if (entry == nullptr) co_return Result<void>{};
  if (view.type == kState) {
    if (entry->details && entry->details->state == view.where) put_state(view.id, *entry);
    co_return Result<void>{};
  }
  co_return carry_message(view.id, *entry, view);
}

Result<void> Spool::State::carry_message(MessageId id, Entry& entry, const journal::RecordView& view) {
  journal::Location* place = nullptr;
  if (view.type == kBody && entry.body == view.where) place = &entry.body;
  if (view.type == kEnvelope && entry.envelope == view.where) place = &entry.envelope;
  if (view.type == kChunk && entry.details)
    for (Details::Chunk& chunk : entry.details->chunks)
      if (chunk.where == view.where) place = &chunk.where;
  if (place == nullptr) return {};
  const journal::Location moved = RP_TRY(append_one(*log, view.type, id, view.payload));
  if (view.type == kEnvelope) entry.more().older.push_back(log->name_of(*place));
  log->add_live(moved);
  log->drop_live(*place);
  *place = moved;
  figures.moved.add();
  return {};
}

// A frame has failed. What it promised nobody relies on; what it stated as a fact, or moved, is written again.
void Spool::State::lost(const journal::RecordView& view) {
  if (view.type == kDone) {
    if (auto negation = decode_negation(view.payload)) put_done(view.id, std::move(negation->segments));
    return;
  }
  if (view.type == kChunk) {
    for (Incoming::State* body : incoming)
      for (Details::Chunk& chunk : body->chunks)
        if (chunk.where == view.where)
          if (const auto again = append_one(*log, kChunk, view.id, view.payload)) {
            log->add_live(*again);
            log->drop_live(chunk.where);
            chunk.where = *again;
          }
  }
  Entry* entry = find(view.id);
  if (entry == nullptr || !entry->promised) return;
  if (view.type == kState) {
    if (entry->details && entry->details->state == view.where) put_state(view.id, *entry);
    return;
  }
  (void)carry_message(view.id, *entry, view);
}

void Spool::State::upkeep() {
  retry_facts();
  if (!elsewhere_released && start.exchange->all_settled()) {
    elsewhere_released = true;
    log->release_elsewhere();
  }
}

}  // namespace ringpost::spool
