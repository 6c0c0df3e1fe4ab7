// What is derived from messages, made anew: prepared facts, and the index of a user.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "store_state.hpp"

namespace ringpost::store {

namespace {

// What a mailbox counts must be what its messages say.
Result<void> compare(const Mailbox& kept, const Mailbox& counted) {
  if (kept.count() != counted.count() || kept.unseen() != counted.unseen() ||
      kept.deleted() != counted.deleted() || kept.size() != counted.size() ||
      kept.uid_next() != counted.uid_next() || kept.highest_modseq() != counted.highest_modseq())
    return fail(ErrorKind::permanent, fmt::format("the counts of mailbox {} do not fit its messages; restart "
                                                  "the server, which reads them from the log",
                                                  kept.name()));
  return {};
}

Result<void> compare(const Account& kept, const Account& counted) {
  for (const auto& [id, box] : kept.mailboxes()) {
    const Mailbox* other = counted.find(MailboxId{id});
    if (other == nullptr)
      return fail(ErrorKind::permanent,
                  "mailbox " + box->name() + " is not in the index; restart the server");
    RP_CHECK(compare(*box, *other));
  }
  if (kept.bytes() != counted.bytes() || kept.messages() != counted.messages())
    return fail(ErrorKind::permanent, "the quota does not fit the messages; restart the server");
  return {};
}

}  // namespace

// The old ones count until the new ones are durable.
Task<Result<void>> Store::State::write_facts(BlobId id, std::span<const std::byte> facts) {
  if (blobs.find(id) == nullptr) co_return fail(ErrorKind::permanent, "the message has been expunged");
  blobs.hold(id);
  const std::array parts{facts};
  const auto record = record_of(RecordType::facts, id, parts);
  journal::Location where;
  const auto ticket = co_await put({&record, 1}, {&where, 1}, false);
  if (!ticket) {
    blobs.hold_over(id);
    co_return fail(ticket.error());
  }
  const journal::Location old = blobs.find(id)->facts;
  blobs.set_facts(id, where);
  auto durable = co_await log->durable(*ticket);
  Blob& blob = *blobs.find(id);
  if (!durable && blob.facts == where) {
    blob.facts = {};  // they are made at each FETCH until they can be kept
    log->drop_live(where);
  }
  if (old) log->drop_live(old);
  blobs.hold_over(id);
  co_return durable;
}

Task<Result<void>> User::prepare(BlobId blob, std::span<const std::byte> facts) {
  const auto self = shared_from_this();
  if (facts.empty() || facts.size() > kFactsSizeMax)
    co_return fail(ErrorKind::permanent, "facts of this size are not kept");
  co_return co_await store.write_facts(blob, facts);
}

Task<Result<void>> User::rebuild() {
  const auto self = shared_from_this();
  {
    const auto turn = co_await take_turn();
    const auto anew = Account::restore(account->id(), account->lsn(), account->snapshot());
    if (!anew) co_return fail(ErrorKind::permanent, "the index cannot be read back; restart the server");
    RP_CO_CHECK(compare(*account, *anew));
  }
  co_return co_await store.write_snapshot(self);
}

}  // namespace ringpost::store
