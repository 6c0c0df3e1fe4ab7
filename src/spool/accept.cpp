// Taking messages in.
#include <algorithm>
#include <cstring>

#include "spool_state.hpp"

namespace ringpost::spool {

namespace {

// How long a body waits for the log to have room; then the client hears 452 and tries later.
constexpr Duration kRoomWait = std::chrono::seconds(10);
// The largest message in chunks.
constexpr std::uint64_t kMessageSizeMax = std::uint64_t{4} << 30;
constexpr std::size_t kChunkBytes = std::size_t{256} << 10;

std::span<const std::byte> bytes_of(const auto& value) { return std::as_bytes(std::span(&value, 1)); }

}  // namespace

Spool::State::State(shard::Core& on, const SpoolOptions& with, const SpoolStart& from)
    : core(on), options(with), start(from), written(on) {
  auto& registry = core.figures();
  registry.add("spool_accepted", "Messages taken into the queue.", figures.accepted);
  registry.add("spool_ended", "Messages whose every recipient is final.", figures.ended);
  registry.add("spool_damaged", "Messages that could not be read back.", figures.damaged);
  registry.add("spool_moved", "Messages moved to give their segment back.", figures.moved);
  registry.add("spool_messages", "Messages in the queue.", figures.messages);
}

Entry* Spool::State::find(MessageId id) {
  const auto found = messages.find(id.value);
  return found == messages.end() ? nullptr : &found->second;
}

std::vector<std::byte> Spool::State::encode_envelope(const mail::Envelope& envelope, const mail::ArrivalFacts& facts,
                                                     std::uint64_t body_size, bool chunked) const {
  const EnvelopeHeader header{.body_size = body_size,
                              .recipient_count = static_cast<std::uint32_t>(envelope.recipient_count()),
                              .chunked = chunked ? 1U : 0U};
  std::vector<std::byte> bytes(sizeof header + mail::encoded_envelope_size(envelope, facts));
  std::memcpy(bytes.data(), &header, sizeof header);
  mail::encode_envelope(envelope, facts, std::span(bytes).subspan(sizeof header));
  return bytes;
}

Task<Result<void>> Spool::State::accept(MessageId id, const mail::Envelope& envelope, const mail::ArrivalFacts& facts,
                                        std::span<const std::span<const std::byte>> pieces) {
  std::uint64_t size = 0;
  for (const auto& piece : pieces) size += piece.size();
  const std::vector<std::byte> encoded = encode_envelope(envelope, facts, size, false);
  if (facts.durability == mail::Durability::memory && keep_in_memory(id, encoded, pieces, size)) {
    co_await announce(id, false);
    co_return Result<void>{};
  }
  co_return co_await write(id, encoded, pieces, size, facts.durability);
}

// False: short of memory; the message is then written as level disk would.
bool Spool::State::keep_in_memory(MessageId id, std::span<const std::byte> envelope,
                                  std::span<const std::span<const std::byte>> body, std::uint64_t body_size) {
  if (core.buffers().tight()) return false;
  auto details = std::make_unique<Details>();
  details->envelope.assign(envelope.begin(), envelope.end());
  std::uint64_t left = body_size;
  for (std::span<const std::byte> piece : body) {
    while (!piece.empty()) {
      if (details->body.empty() || details->body.back().room().empty()) {
        const std::size_t block = static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer::Pool::kClasses.back()));
        details->body.push_back(core.buffers().take(block));
        if (!details->body.back()) return false;
      }
      const std::size_t taken = details->body.back().append(piece);
      piece = piece.subspan(taken);
      left -= taken;
    }
  }
  const auto header = *decode_header<EnvelopeHeader>(envelope);
  messages[id.value] = Entry{.size = body_size,
                             .recipients = header.recipient_count,
                             .open = header.recipient_count,
                             .promised = true,
                             .details = std::move(details)};
  figures.accepted.add();
  figures.messages.set(static_cast<std::int64_t>(messages.size()));
  return true;
}

Task<Result<journal::Ticket>> Spool::State::append_patiently(std::span<const journal::Record> records,
                                                             std::span<journal::Location> where) {
  const Instant until = core.now() + kRoomWait;
  for (;;) {
    auto ticket = log->append(records, where);
    if (ticket || ticket.error().kind != ErrorKind::exhausted || !log->accepts_messages()) co_return ticket;
    if (!co_await log->wait_for_room(until)) co_return ticket;
  }
}

Task<Result<void>> Spool::State::write(MessageId id, std::span<const std::byte> envelope,
                                       std::span<const std::span<const std::byte>> body, std::uint64_t body_size,
                                       mail::Durability level) {
  const std::array<std::span<const std::byte>, 1> envelope_parts{envelope};
  const std::array<journal::Record, 2> records{
      journal::Record{.type = kBody, .id = id, .parts = body},
      journal::Record{.type = kEnvelope, .id = id, .parts = envelope_parts}};
  std::array<journal::Location, 2> where{};
  const auto ticket = RP_CO_TRY(co_await append_patiently(records, where));
  log->add_live(where[0]);
  log->add_live(where[1]);
  const auto header = *decode_header<EnvelopeHeader>(envelope);
  Entry& entry = messages[id.value];
  entry.body = where[0];
  entry.envelope = where[1];
  entry.size = body_size;
  entry.recipients = entry.open = header.recipient_count;
  co_return co_await promise(id, ticket, level);
}

Task<Result<void>> Spool::State::write_envelope(MessageId id, std::span<const std::byte> envelope,
                                                mail::Durability level) {
  const std::array<std::span<const std::byte>, 1> parts{envelope};
  const std::array<journal::Record, 1> records{journal::Record{.type = kEnvelope, .id = id, .parts = parts}};
  std::array<journal::Location, 1> where{};
  const auto ticket = RP_CO_TRY(co_await append_patiently(records, where));
  log->add_live(where[0]);
  const auto header = *decode_header<EnvelopeHeader>(envelope);
  Entry& entry = messages[id.value];
  entry.envelope = where[0];
  entry.size = header.body_size;
  entry.recipients = entry.open = header.recipient_count;
  co_return co_await promise(id, ticket, level);
}

// Waits as the level says; then the message is ours to bring to its end.
Task<Result<void>> Spool::State::promise(MessageId id, journal::Ticket ticket, mail::Durability level) {
  if (level == mail::Durability::relaxed) {
    find(id)->promised = true;
  } else if (auto durable = co_await log->durable(ticket); !durable) {
    if (Entry* entry = find(id)) forget(id, *entry);
    co_return fail(std::move(durable.error()));
  }
  Entry* entry = find(id);
  RP_ASSERT(entry != nullptr);
  entry->promised = true;
  figures.accepted.add();
  figures.messages.set(static_cast<std::int64_t>(messages.size()));
  co_await announce(id, false);
  co_return Result<void>{};
}

Task<void> Spool::State::announce(MessageId id, bool recovered) {
  if (listener == nullptr) co_return;
  auto bytes = co_await envelope_bytes(id);
  Entry* entry = find(id);
  if (entry == nullptr) co_return;
  auto record = bytes ? mail::EnvelopeRecord::decode(std::span<const std::byte>(*bytes).subspan(sizeof(EnvelopeHeader)))
                      : Result<mail::EnvelopeRecord>(std::unexpected(bytes.error()));
  if (!record) {
    figures.damaged.add();
    core.events()
        .begin(observe::EventType::notice, core.wall_now())
        .add(observe::EventKey::queue_id, id)
        .add(observe::EventKey::text, "this message stays in the spool and cannot be read: " + record.error().text)
        .finish();
    co_return;
  }
  std::vector<Outcome> outcomes;
  if (entry->details && !entry->details->outcomes.empty()) {
    outcomes = entry->details->outcomes;
  } else {
    outcomes.resize(entry->recipients);
    for (std::uint32_t i = 0; i < entry->recipients; ++i) outcomes[i].recipient = i;
  }
  listener->queued({.id = id, .envelope = &*record, .outcomes = outcomes, .recovered = recovered});
}

// A message of level memory whose first delivery has failed, or that must go for want of memory.
Task<void> Spool::State::write_out(std::shared_ptr<State> self, MessageId id) {
  ++writing;
  for (;;) {
    Entry* entry = find(id);
    if (entry == nullptr || !entry->in_memory()) break;
    std::vector<std::span<const std::byte>> pieces;
    for (const buffer::Block& block : entry->details->body) pieces.push_back(block.bytes());
    const std::array<std::span<const std::byte>, 1> envelope{std::span<const std::byte>(entry->details->envelope)};
    const std::array<journal::Record, 2> records{
        journal::Record{.type = kBody, .id = id, .parts = pieces},
        journal::Record{.type = kEnvelope, .id = id, .parts = envelope}};
    std::array<journal::Location, 2> where{};
    const auto ticket = log->append(records, where, true);
    if (!ticket) {
      if (!co_await log->wait_for_room(core.now() + kRoomWait) && closing) break;
      continue;
    }
    log->add_live(where[0]);
    log->add_live(where[1]);
    entry->body = where[0];
    entry->envelope = where[1];
    // Readers may hold the blocks until the turn ends; what they pin is copied into the log already.
    entry->details->body.clear();
    entry->details->envelope.clear();
    entry->writing = false;
    if (!entry->details->outcomes.empty()) put_state(id, *entry);
    break;
  }
  --writing;
  written.notify_all();
}

// ---- a body that comes in pieces

Incoming::State::~State() {
  std::erase(spool->incoming, this);
  if (taken) return;
  for (const Details::Chunk& chunk : chunks) spool->log->drop_live(chunk.where);
}

Incoming::Incoming(std::unique_ptr<State> state) : state_(std::move(state)) {}
Incoming::Incoming(Incoming&&) noexcept = default;
Incoming::~Incoming() = default;
std::uint64_t Incoming::size() const { return state_->size; }

Task<Result<void>> Incoming::State::put(std::span<const std::byte> bytes) {
  const ChunkHeader header{.offset = size - bytes.size()};
  const std::array<std::span<const std::byte>, 2> parts{bytes_of(header), bytes};
  const std::array<journal::Record, 1> records{journal::Record{.type = kChunk, .id = id, .parts = parts}};
  std::array<journal::Location, 1> where{};
  (void)RP_CO_TRY(co_await spool->append_patiently(records, where));
  spool->log->add_live(where[0]);
  chunks.push_back({header.offset, where[0]});
  co_return Result<void>{};
}

Task<Result<void>> Incoming::append(std::span<const std::byte> bytes) {
  State& state = *state_;
  while (!bytes.empty()) {
    const auto part = bytes.first(std::min(bytes.size(), kChunkBytes));
    if (state.size + part.size() > kMessageSizeMax) co_return fail(ErrorKind::permanent, "the message is too large");
    state.size += part.size();
    RP_CO_CHECK(co_await state.put(part));
    bytes = bytes.subspan(part.size());
  }
  co_return Result<void>{};
}

Result<Incoming> Spool::begin(MessageId id) {
  if (full()) return fail(ErrorKind::exhausted, "the spool has no room");
  auto state = std::make_unique<Incoming::State>();
  state->spool = state_;
  state->id = id;
  state_->incoming.push_back(state.get());
  return Incoming(std::move(state));
}

Task<Result<void>> Spool::accept(MessageId id, const mail::Envelope& envelope, const mail::ArrivalFacts& facts,
                                 Incoming incoming) {
  Incoming::State& body = *incoming.state_;
  const auto encoded = state_->encode_envelope(envelope, facts, body.size, true);
  // Chunks carry the id of their message: the reader of a log finds them by it.
  RP_ASSERT(body.id == id);
  state_->messages[id.value].more().chunks = std::move(body.chunks);
  body.taken = true;
  // Chunks of earlier frames are durable when this one is: frames are written in order, and what a failed one held was
  // written again (lost).
  auto done = co_await state_->write_envelope(id, encoded, mail::Durability::disk);
  if (!done)
    if (Entry* entry = state_->find(id)) state_->forget(id, *entry);
  co_return done;
}

}  // namespace ringpost::spool
