// Bringing the mail of a user to his owner core, when the number of cores has grown again and it lies in two logs.
#include <algorithm>

#include <fmt/format.h>

#include "store_state.hpp"

namespace ringpost::store {

namespace {

constexpr Duration kBringAgain = 10s;

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

Task<Result<void>> Store::State::bring_blob(BlobId id, unsigned holder) {
  std::vector<std::byte> bytes;
  std::vector<std::byte> facts_bytes;
  Result<void> got;
  co_await call(holder, [&](State& there) -> Task<void> {
    const auto content = co_await there.read(id, 0, kMessageSizeMax.count);
    const auto prepared = co_await there.facts(id);
    if (!content || !prepared) {
      got = fail(content ? prepared.error() : content.error());
      co_return;
    }
    for (const auto piece : content->pieces()) bytes.insert(bytes.end(), piece.begin(), piece.end());
    facts_bytes = *prepared;
  });
  if (!got && got.error().kind != ErrorKind::permanent) co_return got;
  if (got) {
    const std::array pieces{std::span<const std::byte>(bytes)};
    RP_CO_CHECK(co_await put_brought(id, pieces, facts_bytes));
  } else {
    say_damaged(fmt::format("the message {} is damaged on the core that had it", to_string(id)));
  }
  from.erase(id.value);
  co_await call(holder, [id](State& there) -> Task<void> {
    there.blobs.hold_over(id);
    co_return;
  });
  co_return Result<void>{};
}

// Durable when it resumes.
Task<Result<void>> Store::State::put_brought(BlobId id, std::span<const std::span<const std::byte>> pieces,
                                             std::span<const std::byte> prepared) {
  NewBlobs held(*this);
  RP_CO_CHECK(co_await put_bytes(id, pieces, prepared, held));
  RP_CO_CHECK(co_await log->durable({newest_frame}));
  if (held.failed()) co_return fail(ErrorKind::temporary, "a part of the message could not be written");
  co_return Result<void>{};
}

void Store::State::let_go(UserId user) {
  const auto places = lent.find(user.value);
  if (places == lent.end()) return;
  for (const journal::Location where : places->second) log->drop_live(where);
  lent.erase(places);
}

}  // namespace ringpost::store
