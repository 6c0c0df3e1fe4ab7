// Changes and message bytes on their way into the log, and what becomes of them.
#include <algorithm>
#include <ranges>

#include <fmt/format.h>

#include "ringpost/base/assert.hpp"

#include "incoming.hpp"
#include "store_state.hpp"

namespace ringpost::store {

std::unexpected<Failure> refused(Refused why, std::string text) {
  return std::unexpected<Failure>(Failure{why, {ErrorKind::permanent, 0, std::move(text)}});
}
std::unexpected<Failure> failed(Error error) {
  return std::unexpected<Failure>(Failure{Refused::none, std::move(error)});
}

NewBlobs::~NewBlobs() {
  for (const BlobId id : ids_) store_.blobs.hold_over(id);
}

// Frames that come later fail with it, so only those that were settled before the change was written matter.
bool NewBlobs::failed() const {
  return std::ranges::any_of(frames_, [&](std::uint64_t frame) { return store_.log->failed({frame}); });
}

Outcome<> Store::State::refuse(Error error) {
  figures.refused.add();
  return failed(std::move(error));
}

Result<void> Store::State::open_for_mail() const {
  if (closing) return fail(ErrorKind::temporary, "the server is going down");
  if (!settled) return fail(ErrorKind::temporary, "the mailboxes are being read");
  if (log->write_errors()) return fail(ErrorKind::temporary, "the disk of the mailboxes fails");
  if (!log->accepts_messages()) return fail(ErrorKind::exhausted, "the disk of the mailboxes is full");
  return {};
}

// Waits for room. The payloads stay valid meanwhile, for they are the caller's.
Task<Result<journal::Ticket>> Store::State::put(std::span<const journal::Record> records,
                                                std::span<journal::Location> where, bool reserve) {
  const Instant deadline = core.now() + kRoomWait;
  while (true) {
    auto ticket = log->append(records, where, {.reserve = reserve});
    if (ticket) {
      newest_frame = ticket->frame;
      co_return ticket;
    }
    if (ticket.error().kind != ErrorKind::exhausted || closing) co_return ticket;
    if (!reserve) RP_CO_CHECK(open_for_mail());
    if (!co_await log->wait_for_room(deadline)) co_return ticket;
  }
}

namespace {

std::uint64_t total(std::span<const std::span<const std::byte>> pieces) {
  std::uint64_t size = 0;
  for (const auto piece : pieces) size += piece.size();
  return size;
}

}  // namespace

journal::Record record_of(RecordType type, BlobId id, std::span<const std::span<const std::byte>> parts) {
  return {.type = static_cast<std::uint8_t>(type),
          .flags = 0,
          .id = id,
          .parts = parts,
          .in_table = journal::InTable::summary,
          .summary = type == RecordType::chunk ? parts.front().first(sizeof(ChunkHeader))
                                               : std::span<const std::byte>{}};
}

Task<Result<void>> Store::State::put_message(const NewMessage& message, BlobId& id, NewBlobs& held) {
  if (message.incoming != nullptr) {
    const auto& incoming = static_cast<const IncomingBlob&>(*message.incoming);
    id = incoming.id();
    incoming.join(held);
    co_return Result<void>{};
  }
  RP_CO_CHECK(open_for_mail());
  id = joined.next_id();
  co_return co_await put_bytes(id, message.pieces, message.facts, held);
}

Task<Result<void>> Store::State::put_bytes(BlobId id, std::span<const std::span<const std::byte>> pieces,
                                           std::span<const std::byte> facts, NewBlobs& held) {
  const std::uint64_t size = total(pieces);
  if (facts.size() > kFactsSizeMax) facts = {};
  if (size > kWholeMessageMax) co_return co_await put_chunks(id, pieces, size, facts, held);
  const std::array facts_parts{facts};
  const std::array records{record_of(RecordType::mail, id, pieces),
                           record_of(RecordType::facts, id, facts_parts)};
  std::array<journal::Location, 2> where;
  const std::size_t count = facts.empty() ? 1 : 2;
  const auto ticket =
      RP_CO_TRY(co_await put(std::span(records).first(count), std::span(where).first(count), false));
  blobs.put(id, where[0], where[1]);
  held.add(id, ticket.frame);
  co_return Result<void>{};
}

namespace {

// The next `size` bytes of pieces, as parts of a record.
std::vector<std::span<const std::byte>> next_parts(std::span<const std::span<const std::byte>>& pieces,
                                                   std::size_t& skip, std::size_t size) {
  std::vector<std::span<const std::byte>> parts;
  while (size != 0 && !pieces.empty()) {
    const auto part = pieces.front().subspan(skip, std::min(size, pieces.front().size() - skip));
    if (!part.empty()) parts.push_back(part);
    size -= part.size();
    skip += part.size();
    if (skip != pieces.front().size()) continue;
    pieces = pieces.subspan(1);
    skip = 0;
  }
  return parts;
}

}  // namespace

Task<Result<void>> Store::State::put_chunks(BlobId id, std::span<const std::span<const std::byte>> pieces,
                                            std::uint64_t size, std::span<const std::byte> facts,
                                            NewBlobs& held) {
  IncomingBlob incoming(shared_from_this(), id, size);
  std::size_t skip = 0;
  for (std::uint64_t left = size; left != 0; left -= std::min<std::uint64_t>(left, kChunkSize)) {
    auto parts = next_parts(pieces, skip, kChunkSize);
    parts.insert(parts.begin(), std::span<const std::byte>{});
    RP_CO_CHECK(co_await incoming.write_parts(std::move(parts)));
  }
  RP_CO_CHECK(co_await incoming.end(facts));
  incoming.join(held);
  co_return Result<void>{};
}

Task<Outcome<>> Store::State::write(Change change) {
  const auto self = shared_from_this();
  const Instant deadline = core.now() + kRoomWait;
  User& user = *change.user;
  while (true) {
    if (closing) co_return refuse({ErrorKind::temporary, 0, "the server is going down"});
    if (!change.state)
      if (auto open = open_for_mail(); !open) co_return refuse(std::move(open).error());
    if (change.blobs != nullptr && change.blobs->failed())
      co_return refuse({ErrorKind::temporary, 0, "a part of the message could not be written"});
    if (change.may != nullptr && *change.may)
      if (auto may = (*change.may)(); !may) co_return may;
    Batch batch;
    if (auto built = change.build(batch); !built) co_return built;
    if (batch.empty()) co_return Outcome<>{};
    if (batch.size() > log->payload_max())
      co_return refused(Refused::limit, "the change is too large; ask for less at once");
    const std::array parts{batch.finish(user.next_lsn)};
    const journal::Record record{.type = static_cast<std::uint8_t>(RecordType::change),
                                 .flags = 0,
                                 .id = {user.id().value},
                                 .parts = parts,
                                 .in_table = journal::InTable::payload,
                                 .summary = {}};
    journal::Location where;
    const auto ticket = log->append({&record, 1}, {&where, 1}, {.reserve = change.state});
    if (!ticket) {
      if (ticket.error().kind != ErrorKind::exhausted) co_return refuse(ticket.error());
      if (!co_await log->wait_for_room(deadline)) co_return refuse(ticket.error());
      continue;
    }
    log->add_live(where);
    newest_frame = ticket->frame;
    flying.push_back({.frame = ticket->frame,
                      .kind = Flying::Kind::change,
                      .user = change.user,
                      .lsn = user.next_lsn++,
                      .change = batch.take(),
                      .silent = change.silent,
                      .blob = {},
                      .old = {},
                      .now = where});
    auto durable = co_await log->durable(*ticket);
    land();
    if (!durable)
      co_return refuse({ErrorKind::temporary, durable.error().system, std::move(durable.error().text)});
    co_return Outcome<>{};
  }
}

void Store::State::land() {
  std::vector<Flying> failures;
  std::vector<std::shared_ptr<User>> grown;
  while (!flying.empty() && flying.front().frame <= log->newest_settled().frame) {
    Flying next = std::move(flying.front());
    flying.pop_front();
    if (log->failed({next.frame})) {
      failures.push_back(std::move(next));
      continue;
    }
    if (next.kind != Flying::Kind::change) continue;
    User& user = *next.user;
    figures.changes.add();
    if (!user.account->apply(next.change, &blobs, next.silent)) figures.damaged.add();
    user.change_places[next.lsn] = next.now;
    user.change_bytes += next.change.size();
    const auto bound = std::max<std::uint64_t>(
        kSnapshotLeast, static_cast<std::uint64_t>(kSnapshotShare * static_cast<double>(user.snapshot_size)));
    if (user.change_bytes > bound || user.change_places.size() > kChangesMax) grown.push_back(next.user);
  }
  // The last first: each finds what it had found.
  for (Flying& each : std::views::reverse(failures)) take_back(each);
  for (const auto& user : grown) want_snapshot(user);  // which may write at once
}

void Store::State::take_back(Flying& each) {
  switch (each.kind) {
    case Flying::Kind::change:
      log->drop_live(each.now);
      each.user->next_lsn = std::min(each.user->next_lsn, each.lsn);
      break;
    case Flying::Kind::moved_blob:
      blobs.replace(each.blob, each.now, each.old);
      break;
    case Flying::Kind::moved_change: {
      const auto place = each.user->change_places.find(each.lsn);
      if (place == each.user->change_places.end() || place->second != each.now) break;
      place->second = each.old;
      log->add_live(each.old);
      log->drop_live(each.now);
      break;
    }
  }
}

// Of a frame that failed. All that flew with it is taken back before anybody can write again.
void Store::State::lost(const journal::RecordView&) {
  land();
}

}  // namespace ringpost::store
