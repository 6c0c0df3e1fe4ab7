// Reading messages back: from commit buffers, from memory, or from disk.
#include <algorithm>

#include <fmt/format.h>

#include "spool_state.hpp"

namespace ringpost::spool {

namespace {

Error unknown(MessageId id) {
  return {ErrorKind::permanent, 0, fmt::format("no message {} in the queue", to_string(id))};
}

}  // namespace

Result<std::vector<buffer::Block>> Spool::State::blocks_for(std::uint64_t size) {
  std::vector<buffer::Block> blocks;
  while (size != 0) {
    const auto wanted =
        static_cast<std::size_t>(std::min<std::uint64_t>(size, buffer::Pool::kClasses.back()));
    blocks.push_back(core.buffers().take(wanted));
    if (!blocks.back()) return fail(ErrorKind::exhausted, "no memory for a message");
    size -= wanted;
  }
  return blocks;
}

Task<Result<std::vector<std::byte>>> Spool::State::read_envelope(MessageId id) {
  const Entry* entry = queue.find(id);
  if (entry == nullptr) co_return fail(unknown(id));
  if (const auto found = held.find(id.value); found != held.end()) co_return found->second->envelope;
  const journal::Location where = entry->envelope;
  std::vector<std::byte> bytes(where.size);
  if (const auto hot = log->peek(where); hot.data() != nullptr) {
    std::ranges::copy(hot, bytes.begin());
    co_return bytes;
  }
  RP_CO_CHECK(co_await log->read(where, bytes));
  co_return bytes;
}

Task<Result<Spool::Loaded>> Spool::State::load(MessageId id) {
  co_return loaded_from(id, RP_CO_TRY(co_await read_envelope(id)));
}

Result<Spool::Loaded> Spool::State::loaded_from(MessageId id, std::vector<std::byte> envelope) const {
  Loaded loaded;
  loaded.bytes = std::move(envelope);
  loaded.envelope = RP_TRY(mail::EnvelopeRecord::decode(loaded.bytes));
  if (!refresh(id, loaded)) return fail(unknown(id));
  return loaded;
}

bool Spool::State::refresh(MessageId id, Loaded& loaded) const {
  const Entry* entry = queue.find(id);
  if (entry == nullptr) return false;
  loaded.outcomes = outcomes_of(*entry);
  const auto finished = queue.states().finished(entry->state);
  loaded.finished.assign(finished.begin(), finished.end());
  return true;
}

std::vector<std::span<const std::byte>> Held::pieces() const {
  if (!promised_body.empty()) return {promised_body};
  std::vector<std::span<const std::byte>> all;
  for (const buffer::Block& block : body) all.push_back(block.bytes());
  return all;
}

Body Spool::State::held_part(std::shared_ptr<Held> from, std::uint64_t offset, std::uint64_t size) const {
  Body body;
  for (std::span<const std::byte> bytes : from->pieces()) {
    const auto skipped = static_cast<std::size_t>(std::min<std::uint64_t>(offset, bytes.size()));
    offset -= skipped;
    bytes = bytes.subspan(skipped);
    bytes = bytes.first(static_cast<std::size_t>(std::min<std::uint64_t>(size - body.size_, bytes.size())));
    if (bytes.empty()) continue;
    body.pieces_.push_back(bytes);
    body.size_ += bytes.size();
  }
  body.keeps_ = std::move(from);
  return body;
}

// It may be moved while its records are read; then they are read where they are now.
Task<Result<Body>> Spool::State::part(MessageId id, std::uint64_t offset, std::uint64_t size) {
  for (unsigned attempt = 0; attempt < kReadAttempts; ++attempt) {
    bool moved = false;
    auto body = co_await part_once(id, offset, size, moved);
    if (!moved) co_return body;
  }
  co_return fail(ErrorKind::temporary, "the message is moved again and again");
}

Task<Result<Body>> Spool::State::part_once(MessageId id, std::uint64_t offset, std::uint64_t size,
                                           bool& moved) {
  const Entry* entry = queue.find(id);
  if (entry == nullptr) co_return fail(unknown(id));
  if (entry->is(Entry::no_body)) co_return fail(ErrorKind::permanent, "the body of the message is damaged");
  if (const auto found = held.find(id.value); found != held.end())
    co_return held_part(found->second, offset, size);
  Body body;
  const auto records = queue.body_records(*entry);
  std::uint64_t at = 0;
  for (const journal::Location where : records) {
    const std::uint64_t end = at + where.size;
    if (end > offset && body.size_ < size) {
      const auto skip = static_cast<std::uint32_t>(offset > at ? offset - at : 0);
      const auto count =
          static_cast<std::uint32_t>(std::min<std::uint64_t>(where.size - skip, size - body.size_));
      auto added = co_await add_record(id, where, skip, count, body, moved);
      if (!added) {
        if (added.error().kind == ErrorKind::permanent && queue.find(id) != nullptr) figures.damaged.add();
        co_return fail(std::move(added).error());
      }
    }
    at = end;
  }
  co_return body;
}

// The bytes of one record, pinned or copied. The message may end or move while others are read: then the record may be
// gone, and an error says so.
Task<Result<void>> Spool::State::add_record(MessageId id, journal::Location where, std::uint32_t skip,
                                            std::uint32_t size, Body& body, bool& moved) {
  const Entry* entry = queue.find(id);
  if (entry == nullptr) co_return fail(unknown(id));
  const auto records = queue.body_records(*entry);
  if (std::ranges::find(records, where) == records.end()) {
    moved = true;
    co_return fail(ErrorKind::temporary, "the message has just been moved");
  }
  body.size_ += size;
  if (journal::Pin pin = log->pin(where)) {
    body.pieces_.push_back(pin.bytes().subspan(skip, size));
    body.pins_.push_back(std::move(pin));
    co_return Result<void>{};
  }
  auto blocks = RP_CO_TRY(blocks_for(size));
  std::vector<std::span<std::byte>> into;
  std::uint32_t left = size;
  for (buffer::Block& block : blocks) {
    block.fill(std::min<std::size_t>(left, block.capacity()));
    left -= static_cast<std::uint32_t>(block.size());
    into.push_back(block.bytes());
    body.pieces_.push_back(block.bytes());
  }
  RP_CO_CHECK(co_await log->read(where, skip, std::move(into)));
  for (buffer::Block& block : blocks) body.blocks_.push_back(std::move(block));
  co_return Result<void>{};
}

}  // namespace ringpost::spool
