// A message in the place of another: both in one change (RFC 8508).
#include "ringpost/base/assert.hpp"

#include "store_state.hpp"

namespace ringpost::store {

namespace {

// Bytes on their way, counted against the quota until this dies.
class Growth {
 public:
  Growth(User& user, std::uint64_t bytes) : user_(user), bytes_(bytes) { user_.bytes_coming += bytes_; }
  Growth(const Growth&) = delete;
  Growth& operator=(const Growth&) = delete;
  ~Growth() { user_.bytes_coming -= bytes_; }

 private:
  User& user_;
  std::uint64_t bytes_;
};

std::uint64_t size_of(const NewMessage& message) {
  if (message.incoming != nullptr) return message.incoming->size();
  std::uint64_t size = 0;
  for (const auto piece : message.pieces) size += piece.size();
  return size;
}

std::unexpected<Failure> gone() {
  return refused(Refused::gone, "the message is not there any more");
}

}  // namespace

Task<Outcome<Appended>> User::replace(MailboxId from, Uid old, MailboxId to, const NewMessage& message,
                                      May may) {
  const auto self = shared_from_this();
  RP_ASSERT(!message.uid);
  const auto turn = co_await take_turn();
  const std::uint64_t size = size_of(message);
  if (size > kMessageSizeMax.count) co_return refused(Refused::too_large, "the message is too large");
  const Mailbox* source = account->find(from);
  const Message* replaced = source == nullptr ? nullptr : source->find(old);
  if (replaced == nullptr) co_return gone();
  const std::uint64_t growth = size - std::min<std::uint64_t>(size, replaced->size);
  if (growth != 0) RP_CO_CHECK(check_quota(growth, 0));
  const Growth coming(*this, growth);

  NewBlobs held(store);
  BlobId id;
  if (auto put = co_await store.put_message(message, id, held); !put)
    co_return store.refuse_as<Appended>(std::move(put).error());
  Appended appended;
  const auto build = [&](Batch& batch) -> Outcome<> {
    Mailbox* left = account->find(from);
    Mailbox* box = account->find(to);
    if (left == nullptr || box == nullptr || Account::is_going(*box))
      return refused(Refused::no_mailbox, "no such mailbox");
    if (left->find(old) == nullptr) return gone();
    if (!Account::has_uids(*box, 1)) return refused(Refused::limit, "the mailbox has no UIDs left");
    std::vector<std::string> names;
    const KeywordBits bits = RP_TRY(keyword_bits(batch, *box, message.keywords, names));
    const std::int64_t now = store.core.wall_now().nanoseconds / 1'000'000'000;
    const Uid uid = Account::give_uids(*box, 1);
    appended = {.uid_validity = box->uid_validity(), .uids = {uid}};
    batch.add(Operation::added, 0, InMailbox{to.value, 0},
              Message{.uid = uid,
                      .size = static_cast<std::uint32_t>(size),
                      .modseq = Account::give_modseq(*box),
                      .blob = id,
                      .thread = message.thread,
                      .keywords = bits,
                      .internal_date = message.internal_date != 0 ? message.internal_date : now,
                      .save_date = static_cast<std::uint32_t>(now),
                      .zone_minutes = message.zone_minutes,
                      .flags = message.flags});
    const UidSet only({old, old});
    batch.add(Operation::expunged, 0,
              Expunged{.mailbox = from.value, .modseq = Account::give_modseq(*left).value}, only.ranges());
    return {};
  };
  RP_CO_CHECK(co_await store.write(
      {.user = self, .build = build, .state = false, .silent = nullptr, .blobs = &held, .may = &may}));
  co_return appended;
}

}  // namespace ringpost::store
