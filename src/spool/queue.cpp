#include "queue.hpp"

#include <algorithm>

#include "ringpost/base/assert.hpp"

namespace ringpost::spool {

const Large* Queue::large(MessageId id) const {
  const auto found = larges_.find(id.value);
  return found == larges_.end() ? nullptr : &found->second;
}

std::optional<MessageId> Queue::message_of_body(std::uint64_t body_id) const {
  const auto found = by_body_.find(body_id);
  if (found == by_body_.end()) return std::nullopt;
  return MessageId{found->second};
}

Entry& Queue::add(MessageId id, Copy copy, std::size_t recipients) {
  Entry& entry = index_.insert(id);
  entry.recipients = static_cast<std::uint32_t>(recipients) & 0xFFFFFFU;
  put_primary(entry, std::move(copy));
  return entry;
}

void Queue::put_primary(Entry& entry, Copy copy) {
  entry.envelope = copy.envelope;
  RP_ASSERT(copy.body == body_before(copy.envelope, copy.body.size));
  entry.body_size = copy.body.size;
  if (copy.envelope) ledger_.add_live(copy.envelope);
  if (copy.body) ledger_.add_live(copy.body);
  copy.no_body ? entry.set(Entry::no_body) : entry.clear(Entry::no_body);
  if (!copy.large) return;
  for (const journal::Location chunk : copy.large->chunks) ledger_.add_live(chunk);
  ledger_.add_live(copy.large->end);
  by_body_[copy.large->body_id] = entry.id;
  larges_[entry.id] = std::move(*copy.large);
  entry.set(Entry::large);
}

Copy Queue::take_primary(Entry& entry) {
  Copy copy{.envelope = entry.envelope, .body = entry.body(), .no_body = entry.is(Entry::no_body)};
  if (entry.envelope) ledger_.drop_live(entry.envelope);
  if (copy.body) ledger_.drop_live(copy.body);
  if (entry.is(Entry::large)) {
    const auto found = larges_.find(entry.id);
    for (const journal::Location chunk : found->second.chunks) ledger_.drop_live(chunk);
    ledger_.drop_live(found->second.end);
    by_body_.erase(found->second.body_id);
    copy.large = std::move(found->second);
    larges_.erase(found);
    entry.clear(Entry::large);
  }
  entry.envelope = {};
  entry.body_size = 0;
  return copy;
}

void Queue::relocate(Entry& entry, Copy copy) {
  const bool had_place = static_cast<bool>(entry.envelope);
  Copy old = take_primary(entry);
  put_primary(entry, std::move(copy));
  if (had_place) add_copy(entry, std::move(old));
}

void Queue::go_back(Entry& entry, journal::Location lost) {
  std::vector<Copy>& copies = copies_.at(entry.id);
  if (entry.envelope == lost) {
    (void)take_primary(entry);
    put_primary(entry, std::move(copies.back()));
    copies.pop_back();
  } else {
    std::erase_if(copies, [&](const Copy& copy) { return copy.envelope == lost; });
  }
  if (!copies.empty()) return;
  entry.clear(Entry::has_copies);
  copies_.erase(entry.id);
}

void Queue::drop_states(Entry& entry) {
  if (entry.state == 0) return;
  states_.take_records(entry.state, [&](journal::Location where) { ledger_.drop_live(where); });
  states_.release(entry.state);
  entry.state = 0;
}

void Queue::drop(Entry& entry) {
  const MessageId id{entry.id};
  drop_states(entry);
  (void)take_primary(entry);
  if (entry.is(Entry::has_copies)) copies_.erase(entry.id);
  index_.erase(id);
}

std::uint32_t Queue::state_of(Entry& entry) {
  if (entry.state == 0) entry.state = states_.make();
  return entry.state;
}

std::uint64_t Queue::size_of(const Entry& entry) const {
  if (entry.is(Entry::large)) return large({entry.id})->size;
  return entry.body_size;
}

std::vector<journal::Location> Queue::body_records(const Entry& entry) const {
  if (entry.is(Entry::large)) return large({entry.id})->chunks;
  if (entry.body_size == 0) return {};
  return {entry.body()};
}

std::vector<journal::SegmentName> Queue::segments_of(const Entry& entry) const {
  std::vector<journal::SegmentName> names;
  if (entry.envelope) names.push_back(ledger_.name_of(entry.envelope));
  if (!entry.is(Entry::has_copies)) return names;
  for (const Copy& copy : copies_.at(entry.id)) {
    const auto name = ledger_.name_of(copy.envelope);
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  }
  return names;
}

void Queue::add_copy(Entry& entry, Copy copy) {
  entry.set(Entry::has_copies);
  copies_[entry.id].push_back(std::move(copy));
}

namespace {

bool has_body_in(const Copy& copy, std::uint32_t segment) {
  if (copy.body && copy.body.segment == segment) return true;
  if (!copy.large) return false;
  return copy.large->end.segment == segment ||
         std::ranges::any_of(copy.large->chunks,
                             [&](journal::Location chunk) { return chunk.segment == segment; });
}

}  // namespace

void Queue::forget_copies(std::uint32_t segment) {
  for (auto each = copies_.begin(); each != copies_.end();) {
    std::erase_if(each->second, [&](const Copy& copy) { return copy.envelope.segment == segment; });
    for (Copy& copy : each->second)
      if (has_body_in(copy, segment)) copy = {.envelope = copy.envelope, .no_body = true};
    if (!each->second.empty()) {
      ++each;
      continue;
    }
    if (Entry* entry = index_.find({each->first})) entry->clear(Entry::has_copies);
    each = copies_.erase(each);
  }
}

}  // namespace ringpost::spool
