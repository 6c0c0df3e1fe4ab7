// Bringing the mail of a user to his owner core, when the number of cores has grown again and it lies in several logs.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "ringpost/store/limits.hpp"

#include "store_state.hpp"

namespace ringpost::store {

// A pause when none of them could be brought: one with a bad sector does not hold up the others.
Task<void> Store::State::bring_all(std::shared_ptr<State> self) {
  ++background;
  std::size_t failed = 0;  // in a row
  while (!arriving.empty() && !closing) {
    const auto user = arriving.back();
    const auto brought = co_await bring(user);
    if (closing) break;
    if (brought) {
      std::erase(arriving, user);
      user->is_arriving = false;
      failed = 0;
      continue;
    }
    std::ranges::rotate(arriving, arriving.end() - 1);
    if (++failed < arriving.size()) continue;
    failed = 0;
    for (Instant until = core.now() + kBringAgain; core.now() < until && !closing;)
      co_await quiet.wait(std::min(until, core.now() + 1s));
  }
  --background;
  quiet.notify_all();
}

namespace {

// Another attempt, or another core, may read it: what no device gave. A record that does not verify has no errno.
bool is_unread(const Error& why) {
  return why.system != 0 && why.kind != ErrorKind::exhausted;
}

}  // namespace

// First the bytes, then the whole state; when all of it is durable here, the others need not keep theirs.
Task<Result<void>> Store::State::bring(std::shared_ptr<User> user) {
  std::vector<BlobId> ids;
  for (const Mailbox* box : user->mailboxes())
    for (const Message& message : box->messages())
      if (from.contains(message.blob.value)) ids.push_back(message.blob);
  Result<void> all;
  for (const BlobId id : ids) {
    if (!from.contains(id.value)) continue;
    auto brought = co_await bring_blob(id);
    if (brought) continue;
    if (!is_unread(brought.error())) co_return brought;
    all = std::move(brought);  // one that the disk does not give does not hold up the others
  }
  RP_CO_CHECK(std::move(all));
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

// What is durable here when it resumes stays, and need not come again. Where there is damage the holders keep what they have too: a
// repair may find it yet, and a later start brings the rest.
Task<Result<void>> Store::State::bring_blob(BlobId id) {
  const std::vector<unsigned> holders = from.at(id.value);
  std::vector<Brought> brought;
  Result<void> done;
  for (const unsigned holder : holders) {
    if (auto copied = co_await copy_parts(id, holder, brought); !copied) done = std::move(copied);
    if (!done && !is_unread(done.error())) break;
  }
  const std::uint64_t last = newest_frame;
  (void)co_await log->durable({last});
  if (log->newest_settled().frame < last) co_return fail(ErrorKind::temporary, "the log is closing");
  for (const auto& [part, frame] : brought) {
    if (!log->failed({frame})) continue;
    blobs.drop_part(id, part);
    done = fail(ErrorKind::temporary, "a part of the message could not be written");
  }
  const Blob* blob = blobs.find(id);
  const bool damaged = blob != nullptr && blobs.places(*blob).empty();
  // A sector that stays unreadable costs its message, and the mailbox opens.
  if (!done && (!is_unread(done.error()) || (damaged && ++unread[id.value] < kBringReads))) co_return done;
  from.erase(id.value);
  unread.erase(id.value);
  if (damaged) {
    say_damaged(fmt::format("the message {} is damaged on the core that had it", to_string(id)));
    co_return Result<void>{};
  }
  figures.brought.add();
  for (const unsigned holder : holders)
    co_await call(holder, [id](State& there) -> Task<void> {
      there.blobs.hold_over(id);
      co_return;
    });
  co_return Result<void>{};
}

// Those that are not here, but for what is damaged there. What was prepared of a message can be made again of its bytes. An error
// that is_unread: of one part at least; the others are here.
Task<Result<void>> Store::State::copy_parts(BlobId id, unsigned holder, std::vector<Brought>& brought) {
  std::vector<BlobPart> parts;
  co_await call(holder, [&](State& there) -> Task<void> {
    if (const Blob* blob = there.blobs.find(id)) parts = there.blobs.parts(*blob);
    co_return;
  });
  Result<void> all;
  for (const BlobPart& part : parts) {
    const Blob* blob = blobs.find(id);
    if (blob == nullptr) break;
    if (blobs.place_of(*blob, part)) continue;
    RP_CO_CHECK(open_for_mail());
    auto payload = co_await ask_part(id, holder, part);
    if (!payload) {
      if (is_unread(payload.error())) {
        if (part.type != RecordType::facts) all = fail(std::move(payload).error());
      } else if (payload.error().temporary()) {
        co_return fail(std::move(payload).error());
      }
      continue;
    }
    const std::array pieces{std::span<const std::byte>(*payload)};
    const auto record = record_of(part.type, id, pieces);
    journal::Location where;
    const auto ticket = co_await put({&record, 1}, {&where, 1}, false);
    if (!ticket) co_return fail(ticket.error().kind, ticket.error().text);
    if (!blobs.add_part(id, part, where)) break;
    brought.push_back({part, ticket->frame});
  }
  co_return all;
}

// The payload of its record.
Task<Result<std::vector<std::byte>>> Store::State::ask_part(BlobId id, unsigned holder,
                                                            const BlobPart& part) {
  Result<std::vector<std::byte>> payload;
  co_await call(holder, [&](State& there) -> Task<void> {
    const Blob* blob = there.blobs.find(id);
    const auto where = blob != nullptr ? there.blobs.place_of(*blob, part) : journal::Location{};
    // Of a log that is closed nothing can be read: no damage.
    if (there.closing || !where)
      payload = fail(ErrorKind::temporary, "the core that has the message is going down");
    else
      payload = co_await there.read_record(where);
  });
  co_return payload;
}

void Store::State::let_go(UserId user) {
  const auto places = lent.find(user.value);
  if (places == lent.end()) return;
  for (const journal::Location where : places->second) log->drop_live(where);
  lent.erase(places);
}

}  // namespace ringpost::store
