// Reading messages back.
#include <algorithm>

#include "spool_state.hpp"

namespace ringpost::spool {

namespace {

constexpr ErrorKind kGone = ErrorKind::permanent;
// A cold body is read into blocks of the pool; larger ones are asked for in parts.
constexpr std::uint64_t kColdBodyMax = std::uint64_t{16} << 20;

}  // namespace

Task<Result<std::vector<std::byte>>> Spool::State::envelope_bytes(MessageId id) {
  Entry* entry = find(id);
  if (entry == nullptr) co_return fail(kGone, "there is no such message");
  if (entry->in_memory()) co_return entry->details->envelope;
  const journal::Location where = entry->envelope;
  std::vector<std::byte> bytes(where.size);
  if (const journal::Pin pin = log->pin(where)) {
    std::ranges::copy(pin.bytes(), bytes.begin());
    co_return bytes;
  }
  RP_CO_CHECK(co_await log->read(where, bytes));
  co_return bytes;
}

Task<Result<void>> Spool::State::add_part(Body& body, journal::Location where, std::uint32_t skip, std::uint32_t size) {
  if (size == 0) co_return Result<void>{};
  if (journal::Pin pin = log->pin(where)) {
    body.pieces_.push_back(pin.bytes().subspan(skip, size));
    body.pins_.push_back(std::move(pin));
    body.size_ += size;
    co_return Result<void>{};
  }
  std::vector<std::span<std::byte>> into;
  std::vector<buffer::Block> blocks;
  for (std::uint32_t left = size; left != 0;) {
    buffer::Block block = core.buffers().take(std::min<std::size_t>(left, buffer::Pool::kClasses.back()));
    if (!block) co_return fail(ErrorKind::exhausted, "no memory for a message");
    const auto count = static_cast<std::uint32_t>(std::min<std::size_t>(left, block.capacity()));
    block.fill(count);
    into.push_back(block.bytes());
    blocks.push_back(std::move(block));
    left -= count;
  }
  RP_CO_CHECK(co_await log->read(where, skip, into));
  for (buffer::Block& block : blocks) {
    body.pieces_.push_back(std::as_const(block).bytes());
    body.blocks_.push_back(std::move(block));
  }
  body.size_ += size;
  co_return Result<void>{};
}

Task<Result<Body>> Spool::State::part(MessageId id, std::uint64_t offset, std::uint64_t size) {
  Body body;
  Entry* entry = find(id);
  if (entry == nullptr) co_return fail(kGone, "there is no such message");
  size = std::min(size, entry->size - std::min(offset, entry->size));
  if (entry->in_memory()) {
    std::uint64_t at = 0;
    for (const buffer::Block& block : entry->details->body) {
      const std::uint64_t from = std::max(offset, at);
      const std::uint64_t to = std::min(offset + size, at + block.size());
      if (from < to) {
        // The entry may end while the body is being sent, so it gets a copy.
        buffer::Block copy = core.buffers().take(to - from);
        if (!copy) co_return fail(ErrorKind::exhausted, "no memory for a message");
        copy.append(block.bytes().subspan(from - at, to - from));
        body.pieces_.push_back(std::as_const(copy).bytes());
        body.blocks_.push_back(std::move(copy));
        body.size_ += to - from;
      }
      at += block.size();
    }
    co_return body;
  }
  if (entry->body) {
    RP_CO_CHECK(co_await add_part(body, entry->body, static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(size)));
    co_return body;
  }
  if (size > kColdBodyMax) co_return fail(ErrorKind::exhausted, "this message is read in parts");
  if (!entry->details) co_return fail(kGone, "the body of this message is not in the spool");
  const std::vector<Details::Chunk> parts = entry->details->chunks;
  for (const Details::Chunk& chunk : parts) {
    const std::uint64_t length = chunk.where.size - sizeof(ChunkHeader);
    const std::uint64_t from = std::max(offset, chunk.offset);
    const std::uint64_t to = std::min(offset + size, chunk.offset + length);
    if (from >= to) continue;
    RP_CO_CHECK(co_await add_part(body, chunk.where, static_cast<std::uint32_t>(from - chunk.offset + sizeof(ChunkHeader)),
                                  static_cast<std::uint32_t>(to - from)));
  }
  if (body.size_ != size) co_return fail(kGone, "a part of this message is not in the spool");
  co_return body;
}

Task<Result<Spool::Loaded>> Spool::load(MessageId id) {
  Loaded loaded;
  loaded.bytes = RP_CO_TRY(co_await state_->envelope_bytes(id));
  if (loaded.bytes.size() < sizeof(EnvelopeHeader)) co_return fail(kGone, "the envelope is damaged");
  loaded.envelope =
      RP_CO_TRY(mail::EnvelopeRecord::decode(std::span<const std::byte>(loaded.bytes).subspan(sizeof(EnvelopeHeader))));
  const Entry* entry = state_->find(id);
  if (entry == nullptr) co_return fail(kGone, "there is no such message");
  if (entry->details && !entry->details->outcomes.empty()) {
    loaded.outcomes = entry->details->outcomes;
  } else {
    loaded.outcomes.resize(entry->recipients);
    for (std::uint32_t i = 0; i < entry->recipients; ++i) loaded.outcomes[i].recipient = i;
  }
  co_return loaded;
}

Task<Result<Body>> Spool::body(MessageId id) { co_return co_await state_->part(id, 0, UINT64_MAX / 2); }
Task<Result<Body>> Spool::part(MessageId id, std::uint64_t offset, std::uint64_t size) {
  co_return co_await state_->part(id, offset, size);
}
Task<Result<Body>> Spool::head(MessageId id, std::size_t size) { co_return co_await state_->part(id, 0, size); }

}  // namespace ringpost::spool
