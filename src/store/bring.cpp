// Bringing the mail of a user to his owner core, when the number of cores has grown again and it lies in two logs.
#include <algorithm>
#include <array>
#include <cerrno>

#include <fmt/format.h>

#include "incoming.hpp"
#include "store_state.hpp"

namespace ringpost::store {

namespace {

constexpr Duration kBringAgain = 10s;
// Attempts after which a sector that the disk does not give counts as damaged: it costs its message, and the mailbox opens.
constexpr unsigned kBringReads = 6;

}  // namespace

Task<void> Store::State::bring_all(std::shared_ptr<State> self) {
  ++background;
  while (!arriving.empty() && !closing) {
    const auto user = arriving.back();
    const auto brought = co_await bring(user);
    if (closing) break;
    if (brought) {
      std::erase(arriving, user);
      user->is_arriving = false;
    } else {
      std::ranges::rotate(arriving, arriving.end() - 1);
      for (Instant until = core.now() + kBringAgain; core.now() < until && !closing;)
        co_await quiet.wait(std::min(until, core.now() + 1s));
    }
  }
  --background;
  quiet.notify_all();
}

// First the bytes, then the whole state; when all of it is durable here, the others need not keep theirs.
Task<Result<void>> Store::State::bring(std::shared_ptr<User> user) {
  std::vector<BlobId> ids;
  for (const Mailbox* box : user->mailboxes())
    for (const Message& message : box->messages())
      if (from.contains(message.blob.value)) ids.push_back(message.blob);
  for (const BlobId id : ids)
    if (const auto holder = from.find(id.value); holder != from.end())
      RP_CO_CHECK(co_await bring_blob(id, holder->second));
  RP_CO_CHECK(co_await write_snapshot(user));
  for (unsigned other = 0; other < sharing.stores.size(); ++other) {
    if (other == core.index() || !sharing.known.at(user->id().value).several) continue;
    co_await call(other, [id = user->id()](State& there) -> Task<void> {
      there.let_go(id);
      co_return;
    });
  }
  co_return Result<void>{};
}

// Where it is damaged the holder keeps what it has: a repair may find it yet, and a later start brings it.
Task<Result<void>> Store::State::bring_blob(BlobId id, unsigned holder) {
  const bool copied = RP_CO_TRY(co_await copy_blob(id, holder));
  from.erase(id.value);
  if (!copied) {
    blobs.put(id, {}, {});  // pieces that came before the damaged one count for nothing
    blobs.hold_over(id);
    say_damaged(fmt::format("the message {} is damaged on the core that had it", to_string(id)));
    co_return Result<void>{};
  }
  figures.brought.add();
  co_await call(holder, [id](State& there) -> Task<void> {
    there.blobs.hold_over(id);
    co_return;
  });
  co_return Result<void>{};
}

// Durable when it resumes. False: it is damaged there.
Task<Result<bool>> Store::State::copy_blob(BlobId id, unsigned holder) {
  NewBlobs held(*this);
  auto part = RP_CO_TRY(co_await ask_part(id, holder, 0));
  if (part.damaged) co_return false;
  if (part.size <= kWholeMessageMax) {
    const std::array pieces{std::span<const std::byte>(part.bytes)};
    RP_CO_CHECK(co_await put_bytes(id, pieces, part.facts, held));
  } else if (!RP_CO_TRY(co_await copy_pieces(id, holder, std::move(part), held))) {
    co_return false;
  }
  RP_CO_CHECK(co_await log->durable({newest_frame}));
  if (held.failed()) co_return fail(ErrorKind::temporary, "a part of the message could not be written");
  co_return true;
}

// One that is too long for one record, and may be for the memory of a core.
Task<Result<bool>> Store::State::copy_pieces(BlobId id, unsigned holder, BlobPart part, NewBlobs& held) {
  const auto facts = std::move(part.facts);
  const std::uint64_t size = part.size;
  IncomingBlob incoming(shared_from_this(), id, size);
  for (std::uint64_t at = 0;;) {
    if (part.damaged || part.bytes.size() != std::min<std::uint64_t>(kChunkSize, size - at)) co_return false;
    RP_CO_CHECK(co_await incoming.write(part.bytes));
    at += part.bytes.size();
    if (at == size) break;
    part = RP_CO_TRY(co_await ask_part(id, holder, at));
  }
  RP_CO_CHECK(co_await incoming.end(facts));
  incoming.join(held);
  co_return true;
}

Task<Result<Store::State::BlobPart>> Store::State::ask_part(BlobId id, unsigned holder, std::uint64_t at) {
  Result<BlobPart> part;
  co_await call(holder, [&](State& there) -> Task<void> {
    // Of a log that is closed nothing can be read: no damage.
    if (there.closing)
      part = fail(ErrorKind::temporary, "the core that has the message is going down");
    else
      part = co_await there.part_of(id, at);
  });
  if (part) co_return part;
  const bool gone = part.error().system == EIO && ++unread[id.value] >= kBringReads;
  if (gone || part.error().kind == ErrorKind::permanent) co_return BlobPart{.damaged = true};
  co_return part;
}

// All of one that is a single record, else a piece; with the first of it what was prepared, unless that cannot be read: it can be made
// again of the bytes.
Task<Result<Store::State::BlobPart>> Store::State::part_of(BlobId id, std::uint64_t at) {
  BlobPart part;
  if (const Blob* blob = blobs.find(id)) part.size = blobs.bytes(*blob);
  {
    const auto content =
        RP_CO_TRY(co_await read(id, at, part.size > kWholeMessageMax ? kChunkSize : kWholeMessageMax));
    for (const auto piece : content.pieces()) part.bytes.insert(part.bytes.end(), piece.begin(), piece.end());
  }
  if (at != 0) co_return part;
  auto prepared = co_await facts(id);
  if (!prepared && prepared.error().temporary() && prepared.error().system != EIO)
    co_return fail(std::move(prepared).error());
  if (prepared) part.facts = std::move(*prepared);
  co_return part;
}

void Store::State::let_go(UserId user) {
  const auto places = lent.find(user.value);
  if (places == lent.end()) return;
  for (const journal::Location where : places->second) log->drop_live(where);
  lent.erase(places);
}

}  // namespace ringpost::store
