// New messages: from the session's staging block, or in pieces.
#include <algorithm>

#include <fmt/format.h>

#include "ringpost/base/assert.hpp"
#include "ringpost/journal/limits.hpp"
#include "ringpost/mail/limits.hpp"

#include "spool_state.hpp"

namespace ringpost::spool {

namespace {

std::uint64_t total(std::span<const std::span<const std::byte>> pieces) {
  std::uint64_t size = 0;
  for (const auto piece : pieces) size += piece.size();
  return size;
}

}  // namespace

void Group::add(RecordType type, MessageId id, std::span<const std::span<const std::byte>> parts,
                std::uint8_t flags) {
  RP_ASSERT(count_ < kRecordsMax);
  const auto in_table = type == RecordType::body    ? journal::InTable::nothing
                        : type == RecordType::chunk ? journal::InTable::summary
                                                    : journal::InTable::payload;
  records_[count_++] = {.type = static_cast<std::uint8_t>(type),
                        .flags = flags,
                        .id = id,
                        .parts = parts,
                        .in_table = in_table,
                        .summary = {}};
}

void Group::add(RecordType type, MessageId id, std::span<const std::byte> payload, std::uint8_t flags) {
  payloads_[count_] = payload;
  add(type, id, std::span(&payloads_[count_], 1), flags);
}

void Group::add_envelope(MessageId id, std::span<const std::byte> payload, std::size_t recipients,
                         bool no_body) {
  summary_ = {.recipients = static_cast<std::uint32_t>(recipients), .no_body = no_body ? 1U : 0U};
  if (count_ != 0 && records_[count_ - 1].type == static_cast<std::uint8_t>(RecordType::body))
    summary_.body_size = static_cast<std::uint32_t>(total(records_[count_ - 1].parts));
  add(RecordType::envelope, id, payload);
  records_[count_ - 1].in_table = journal::InTable::summary;
  records_[count_ - 1].summary = std::as_bytes(std::span(&summary_, 1));
}

Result<journal::Ticket> Group::append(journal::Log& log, Figures& figures, journal::Appending how) {
  auto ticket = log.append(std::span(records_).first(count_), std::span(places_).first(count_), how);
  if (ticket) note_written(figures);
  return ticket;
}

void Group::note_written(Figures& figures) const {
  for (std::size_t i = 0; i < count_; ++i) {
    const std::uint64_t size = places_[i].size;
    switch (static_cast<RecordType>(records_[i].type)) {
      case RecordType::body:
      case RecordType::chunk:
      case RecordType::body_end:
        figures.body_bytes.add(size);
        break;
      case RecordType::envelope:
        figures.envelope_bytes.add(size);
        break;
      case RecordType::state:
        figures.state_bytes.add(size);
        break;
      case RecordType::done:
      case RecordType::moved:
        figures.ending_bytes.add(size);
        break;
    }
  }
}

journal::Location Group::where(RecordType type) const {
  for (std::size_t i = 0; i < count_; ++i)
    if (records_[i].type == static_cast<std::uint8_t>(type)) return places_[i];
  return {};
}

Refusal Spool::State::refusing(mail::Durability level) const {
  if (closing) return Refusal::closing;
  const bool to_disk = level != mail::Durability::through;
  if (to_disk && log->write_errors()) return Refusal::write_errors;
  if (to_disk && !log->accepts_messages())
    return log->disk_is_low() ? Refusal::disk_space : Refusal::segments;
  if (queue.index().memory_needed() + queue.states().memory() > options.index_memory.count)
    return Refusal::index_memory;
  return core.buffers().tight() ? Refusal::core_memory : Refusal::none;
}

Result<void> Spool::State::refuse(Error error) {
  figures.refused.add();
  switch (refusing()) {
    case Refusal::disk_space:
    case Refusal::segments:
      figures.refused_disk.add();
      break;
    case Refusal::index_memory:
    case Refusal::core_memory:
      figures.refused_memory.add();
      break;
    default:
      break;
  }
  return fail(std::move(error));
}

// 452 for what time and room will mend, 451 for trouble.
Result<void> Spool::State::refuse_now(mail::Durability level) {
  const Refusal why = refusing(level);
  const bool trouble = why == Refusal::write_errors || why == Refusal::closing;
  return refuse({trouble ? ErrorKind::temporary : ErrorKind::exhausted, 0, std::string(to_string(why))});
}

// Valid until the next suspension.
std::span<const std::byte> Spool::State::encode(const mail::Envelope& envelope,
                                                const mail::ArrivalFacts& facts) {
  scratch.resize(mail::encoded_envelope_size(envelope, facts));
  return std::span(scratch).first(mail::encode_envelope(envelope, facts, scratch));
}

void Spool::State::note_accepted(std::uint64_t size) {
  figures.accepted.add();
  figures.accepted_bytes.add(size);
}

Task<Result<void>> Spool::State::accept(MessageId id, const mail::Envelope& envelope,
                                        const mail::ArrivalFacts& facts,
                                        std::span<const std::span<const std::byte>> pieces) {
  RP_ASSERT(envelope.recipient_count() > 0);
  if (facts.durability == mail::Durability::through) co_return accept_through(id, envelope, facts, pieces);
  if (full()) co_return refuse_now();
  const std::uint64_t size = total(pieces);
  if (size > kWholeMessageMax)
    co_return refuse({ErrorKind::permanent, 0, fmt::format("{} bytes are too many for one record", size)});
  if (facts.durability == mail::Durability::memory && hold(id, envelope, facts, pieces)) {
    note_accepted(size);
    co_return Result<void>{};
  }
  const Instant deadline = core.now() + kRoomWait;
  while (true) {
    Group group;
    if (size != 0) group.add(RecordType::body, id, pieces);
    group.add_envelope(id, encode(envelope, facts), envelope.recipient_count());
    const auto ticket = group.append(*log, figures, {});
    if (ticket) {
      queue.add(id, {.envelope = group.where(RecordType::envelope), .body = group.where(RecordType::body)},
                envelope.recipient_count());
      note_accepted(size);
      co_return co_await commit(id, *ticket, facts.durability == mail::Durability::relaxed);
    }
    if (ticket.error().kind != ErrorKind::exhausted || full()) co_return refuse(ticket.error());
    if (!co_await log->wait_for_room(deadline)) co_return refuse(ticket.error());
  }
}

// The message is in the index and its records are on their way. Relaxed resumes at once, unless the disk has kept a
// write for so long already that more would be lost than the level says.
Task<Result<void>> Spool::State::commit(MessageId id, journal::Ticket ticket, bool relaxed) {
  awaiting.push_back({ticket.frame, id});
  if (relaxed && log->write_age() < options.relaxed_delay) {
    queue.find(id)->set(Entry::promised);
    // An orderly end waits for it, and writes it again if that frame fails.
    newest_state_frame = ticket.frame;
    co_return Result<void>{};
  }
  auto durable = co_await log->durable(ticket);
  Entry* entry = queue.find(id);
  if (durable) {
    if (entry != nullptr) entry->set(Entry::promised);
    co_return durable;
  }
  if (entry != nullptr) queue.drop(*entry);
  co_return refuse({ErrorKind::temporary, durable.error().system, std::move(durable.error().text)});
}

// Never written: what there is no memory for is refused.
Result<void> Spool::State::accept_through(MessageId id, const mail::Envelope& envelope,
                                          const mail::ArrivalFacts& facts,
                                          std::span<const std::span<const std::byte>> pieces) {
  if (refusing(facts.durability) != Refusal::none) return refuse_now(facts.durability);
  const std::uint64_t size = total(pieces);
  if (size > kThroughMessageMax.count)
    return refuse({ErrorKind::permanent, 0, fmt::format("{} bytes are too many to be held in memory", size)});
  if (!hold(id, envelope, facts, pieces)) return refuse({ErrorKind::exhausted, 0, "no memory for a message"});
  note_accepted(size);
  return {};
}

// Levels memory and through; false when the core is short of memory.
bool Spool::State::hold(MessageId id, const mail::Envelope& envelope, const mail::ArrivalFacts& facts,
                        std::span<const std::span<const std::byte>> pieces) {
  auto blocks = blocks_for(total(pieces));
  if (!blocks || core.buffers().tight()) return false;
  auto message = std::make_shared<Held>();
  message->body = std::move(*blocks);
  std::size_t at = 0;
  for (auto piece : pieces) {
    while (!piece.empty()) {
      const std::size_t count = message->body[at].append(piece);
      piece = piece.subspan(count);
      message->size += count;
      if (!piece.empty()) ++at;
    }
  }
  const auto encoded = encode(envelope, facts);
  message->envelope.assign(encoded.begin(), encoded.end());
  message->stays = facts.durability == mail::Durability::through;
  Entry& entry = queue.add(id, {}, envelope.recipient_count());
  entry.set(Entry::in_memory);
  entry.set(Entry::promised);
  held.emplace(id.value, std::move(message));
  if (facts.durability == mail::Durability::through)
    awaiting_no_disk.push_back(id);
  else
    awaiting.push_back({0, id});
  core.schedule(std::noop_coroutine());  // the end of a turn announces it
  return true;
}

Incoming::Incoming(std::unique_ptr<State> state) : state_(std::move(state)) {}
Incoming::Incoming(Incoming&&) noexcept = default;
Incoming::~Incoming() = default;

Incoming::State::~State() {
  // Nobody took them over: dead bytes.
  for (const journal::Location chunk : chunks) spool->log->drop_live(chunk);
}

Task<Result<void>> Incoming::append(std::span<const std::byte> bytes) {
  return state_->append(bytes);
}

std::uint64_t Incoming::size() const {
  return state_->size;
}

Task<Result<void>> Incoming::State::append(std::span<const std::byte> bytes) {
  if (size + bytes.size() > kMessageSizeMax.count)
    co_return fail(ErrorKind::permanent, "the message is too large");
  size += bytes.size();
  while (!bytes.empty()) {
    if (!gathered && bytes.size() < kSmallAppend) gathered = spool->core.buffers().take(2 * kSmallAppend);
    if (gathered && (gathered.size() != 0 || bytes.size() < kSmallAppend)) {
      bytes = bytes.subspan(gathered.append(bytes));
      if (gathered.size() == gathered.capacity()) RP_CO_CHECK(co_await put_gathered());
      continue;
    }
    const auto chunk = bytes.first(std::min(bytes.size(), kChunkSize));
    RP_CO_CHECK(co_await put(chunk));
    bytes = bytes.subspan(chunk.size());
  }
  co_return Result<void>{};
}

Task<Result<void>> Incoming::State::put_gathered() {
  if (!gathered || gathered.size() == 0) co_return Result<void>{};
  auto done = co_await put(std::as_const(gathered).bytes());
  gathered.clear();
  co_return done;
}

Task<Result<void>> Incoming::State::put(std::span<const std::byte> bytes, journal::Appending how) {
  if (chunks.size() >= kChunksMax) co_return fail(ErrorKind::permanent, "the message has too many pieces");
  const Instant deadline = spool->core.now() + kRoomWait;
  while (true) {
    if (!how.reserve && spool->full()) co_return spool->refuse_now();
    Group group;
    group.add(RecordType::chunk, {body_id}, bytes);
    const auto ticket = group.append(*spool->log, spool->figures, how);
    if (ticket) {
      chunks.push_back(group.where(RecordType::chunk));
      spool->log->add_live(chunks.back());
      frames.push_back(ticket->frame);
      co_return Result<void>{};
    }
    if (ticket.error().kind != ErrorKind::exhausted) co_return spool->refuse(ticket.error());
    if (!spool->log->takes(how.stream, bytes.size(), bytes.size())) co_return fail(ticket.error());
    if (!co_await spool->log->wait_for_room(deadline)) co_return spool->refuse(ticket.error());
  }
}

Task<Result<void>> Spool::State::accept_large(MessageId id, const mail::Envelope& envelope,
                                              const mail::ArrivalFacts& facts, Incoming incoming) {
  RP_ASSERT(facts.durability != mail::Durability::through);  // whose body would be on disk
  Incoming::State& body = *incoming.state_;
  RP_CO_CHECK(co_await body.put_gathered());
  const Instant deadline = core.now() + kRoomWait;
  while (true) {
    if (full()) co_return refuse_now();
    // Later ones are settled with the end: a frame that fails takes those behind it along.
    if (std::ranges::any_of(body.frames, [&](std::uint64_t frame) { return log->failed({frame}); }))
      co_return refuse({ErrorKind::temporary, 0, "a part of the message could not be written"});
    const BodyEnd end{.body_id = body.body_id,
                      .size = body.size,
                      .chunk_count = static_cast<std::uint32_t>(body.chunks.size())};
    Group group;
    group.add(RecordType::body_end, id, std::as_bytes(std::span(&end, 1)));
    group.add_envelope(id, encode(envelope, facts), envelope.recipient_count());
    const auto ticket = group.append(*log, figures, {});
    if (!ticket) {
      if (ticket.error().kind != ErrorKind::exhausted) co_return refuse(ticket.error());
      if (!co_await log->wait_for_room(deadline)) co_return refuse(ticket.error());
      continue;
    }
    Copy copy{.envelope = group.where(RecordType::envelope)};
    copy.large = Large{body.body_id, body.size, body.chunks, group.where(RecordType::body_end)};
    queue.add(id, std::move(copy), envelope.recipient_count());
    // The queue counts the chunks now.
    for (const journal::Location chunk : std::exchange(body.chunks, {})) log->drop_live(chunk);
    note_accepted(body.size);
    co_return co_await commit(id, *ticket, false);
  }
}

}  // namespace ringpost::spool
