// One user's mail: looking, and what happens to messages.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "ringpost/base/assert.hpp"

#include "incoming.hpp"
#include "store_state.hpp"
#include "text.hpp"

namespace ringpost::store {

User::User(Store::State& of, std::unique_ptr<Account> with)
    : store(of), account(std::move(with)), next_lsn(account->lsn() + 1), turn_over(of.core) {
  account->listen([this](std::string_view identifier, bool there) {
    store.sharing.shares.set(account->name(), identifier, there);
  });
}

unsigned User::core() const {
  return store.core.index();
}
FramePool& User::frames() {
  return store.core.frames();
}

std::vector<const Mailbox*> User::mailboxes() const {
  std::vector<const Mailbox*> all;
  for (const auto& [id, box] : account->mailboxes()) all.push_back(box.get());
  return all;
}

const Mailbox* User::find(std::string_view name) const {
  const auto normal = normal_name(name);
  return normal ? account->find(*normal) : nullptr;
}

std::vector<std::string> User::subscriptions() const {
  return {account->subscriptions().begin(), account->subscriptions().end()};
}
bool User::subscribed(std::string_view name) const {
  const auto normal = normal_subscription(name);
  return normal && account->subscriptions().contains(*normal);
}

Quota User::quota() const {
  const auto& own = store.settings.quota_of;
  return (own ? own(account->name()) : std::nullopt).value_or(store.settings.quota);
}

Task<User::Turn> User::take_turn() {
  auto self = shared_from_this();
  while (busy) co_await turn_over.wait();
  co_return Turn(std::move(self));
}

// ---- append

Outcome<> User::check_quota(std::uint64_t bytes, std::uint64_t count) const {
  const Quota limit = quota();
  const std::uint64_t messages = account->messages() + messages_coming + count;
  if (limit.bytes_max != 0 && account->bytes() + bytes_coming + bytes > limit.bytes_max)
    return refused(Refused::over_quota, "the mailboxes have as many bytes as they may have");
  if (limit.messages_max != 0 && messages > limit.messages_max)
    return refused(Refused::over_quota, "the mailboxes have as many messages as they may have");
  if (messages > kMessagesMax) return refused(Refused::limit, "too many messages for one user");
  return {};
}

namespace {

std::uint64_t size_of(const NewMessage& message) {
  if (message.incoming != nullptr) return message.incoming->size();
  std::uint64_t size = 0;
  for (const auto piece : message.pieces) size += piece.size();
  return size;
}

std::uint64_t size_of(std::span<const NewMessage> messages) {
  std::uint64_t size = 0;
  for (const NewMessage& message : messages) size += size_of(message);
  return size;
}

std::int64_t seconds_of(WallTime time) {
  return time.nanoseconds / 1'000'000'000;
}

// Subtracted again when it dies.
class Coming {
 public:
  Coming(User& user, std::uint64_t bytes, std::uint64_t messages, Origin origin)
      : user_(user), bytes_(bytes), messages_(messages), origin_(origin) {
    user_.bytes_coming += bytes_;
    user_.messages_coming += messages_;
    if (origin_) user_.origins_coming.insert(origin_);
  }
  Coming(const Coming&) = delete;
  Coming& operator=(const Coming&) = delete;
  ~Coming() {
    user_.bytes_coming -= bytes_;
    user_.messages_coming -= messages_;
    if (origin_) user_.origins_coming.erase(origin_);
  }

 private:
  User& user_;
  std::uint64_t bytes_, messages_;
  Origin origin_;
};

}  // namespace

Outcome<> User::check_room(std::span<const NewMessage> messages) const {
  if (messages.size() > kAppendsMax) return refused(Refused::limit, "too many messages at once");
  for (const NewMessage& message : messages)
    if (size_of(message) > kMessageSizeMax.count)
      return refused(Refused::too_large, "the message is too large");
  return check_quota(size_of(messages), messages.size());
}

bool User::knows_keywords(const Mailbox& box, std::span<const NewMessage> messages) const {
  return std::ranges::all_of(messages, [&](const NewMessage& message) {
    return std::ranges::all_of(message.keywords,
                               [&](const std::string& name) { return box.keyword(name).has_value(); });
  });
}

// Names that are new get the next bits. Only one who has the turn may name any.
Outcome<KeywordBits> User::keyword_bits(Batch& batch, const Mailbox& box, std::span<const std::string> names,
                                        std::vector<std::string>& added) const {
  KeywordBits bits = 0;
  for (const std::string& name : names) {
    if (const auto known = box.keyword(name)) {
      bits |= KeywordBits{1} << *known;
      continue;
    }
    const auto same =
        std::ranges::find_if(added, [&](const std::string& each) { return same_letters(each, name); });
    const std::size_t bit = box.keywords().size() + static_cast<std::size_t>(same - added.begin());
    if (same == added.end()) {
      if (!is_keyword_name(name)) return refused(Refused::bad_name, "not a keyword: " + name);
      if (bit >= kKeywordsMax) return refused(Refused::limit, "too many keywords in one mailbox");
      batch.add(Operation::keyword, 0, InMailbox{box.id().value, static_cast<std::uint32_t>(bit)},
                std::string_view(name));
      added.push_back(name);
    }
    bits |= KeywordBits{1} << bit;
  }
  return bits;
}

std::unique_ptr<Incoming> User::receive(std::uint64_t size) {
  RP_ASSERT(size != 0 && size <= kMessageSizeMax.count);
  return std::make_unique<IncomingBlob>(store.shared_from_this(), store.joined.next_id(), size);
}

Task<Outcome<Appended>> User::append(MailboxId to, std::span<const NewMessage> messages, May may) {
  return append_from(to, messages, {}, std::move(may));
}

namespace {

class RoomReserved final : public Reserved {
 public:
  RoomReserved(std::shared_ptr<User> user, Sender sender) : user_(std::move(user)), sender_(sender) {}
  RoomReserved(const RoomReserved&) = delete;
  RoomReserved& operator=(const RoomReserved&) = delete;
  ~RoomReserved() override { take({}); }

  Outcome<> resize(std::uint64_t messages, std::uint64_t bytes) override {
    if (messages > mine_.messages || bytes > mine_.bytes) {
      const User::Room& owner = user_->reserved_by_owner;
      const User::Room others = sender_ == Sender::others ? user_->reserved_by_others : User::Room{};
      RP_CHECK(user_->check_quota(owner.bytes + others.bytes - mine_.bytes + bytes,
                                  owner.messages + others.messages - mine_.messages + messages));
    }
    take({.messages = messages, .bytes = bytes});
    return {};
  }

 private:
  void take(User::Room room) {
    User::Room& all = sender_ == Sender::owner ? user_->reserved_by_owner : user_->reserved_by_others;
    all.messages += room.messages - mine_.messages;
    all.bytes += room.bytes - mine_.bytes;
    mine_ = room;
  }

  std::shared_ptr<User> user_;
  Sender sender_;
  User::Room mine_;
};

}  // namespace

Outcome<std::unique_ptr<Reserved>> User::reserve(std::uint64_t messages, std::uint64_t bytes, Sender sender) {
  auto room = std::make_unique<RoomReserved>(shared_from_this(), sender);
  RP_CHECK(room->resize(messages, bytes));
  return room;
}

namespace {

// Those that messages ask for rise, and are above all that were given.
bool has_uids_free(const Mailbox& box, std::span<const NewMessage> messages) {
  Uid next = Account::next_uid(box);
  for (const NewMessage& message : messages) {
    if (message.uid && (message.uid < next || message.uid.value > kUidKeptMax)) return false;
    next = {std::max(next, message.uid).value + 1};
  }
  return true;
}

}  // namespace

Task<Outcome<Appended>> User::append_from(MailboxId to, std::span<const NewMessage> messages, Origin origin,
                                          May may) {
  const auto self = shared_from_this();
  RP_CO_CHECK(check_room(messages));
  const Coming coming(*this, size_of(messages), messages.size(), origin);
  const Mailbox* target = account->find(to);
  if (target == nullptr || Account::is_going(*target))
    co_return refused(Refused::no_mailbox, "no such mailbox");
  // New keywords change what bits mean: that is done by one at a time.
  std::optional<Turn> turn;
  if (!knows_keywords(*target, messages)) turn.emplace(co_await take_turn());

  NewBlobs held(store);
  std::vector<BlobId> ids(messages.size());
  for (std::size_t i = 0; i < messages.size(); ++i)
    if (auto put = co_await store.put_message(messages[i], ids[i], held); !put)
      co_return store.refuse_as<Appended>(std::move(put).error());

  Appended appended;
  Uid before, after;  // what the next UID was around the last attempt
  const auto build = [&](Batch& batch) -> Outcome<> {
    Mailbox* box = account->find(to);
    if (box == nullptr || Account::is_going(*box)) return refused(Refused::no_mailbox, "no such mailbox");
    if (!Account::has_uids(*box, messages.size()))
      return refused(Refused::limit, "the mailbox has no UIDs left");
    std::vector<std::string> names;
    std::vector<KeywordBits> bits;
    for (const NewMessage& message : messages)
      bits.push_back(RP_TRY(keyword_bits(batch, *box, message.keywords, names)));
    if (after && Account::next_uid(*box) == after) Account::take_back_uids(*box, before);
    before = Account::next_uid(*box);
    if (!has_uids_free(*box, messages))
      return refused(Refused::uids_given, "the mailbox has given such UIDs already");
    const ModSeq modseq = Account::give_modseq(*box);
    const std::int64_t now = seconds_of(store.core.wall_now());
    appended = {.uid_validity = box->uid_validity(), .uids = {}};
    for (std::size_t i = 0; i < messages.size(); ++i) {
      const NewMessage& message = messages[i];
      if (message.uid) Account::skip_uids(*box, message.uid);
      const Uid uid = Account::give_uids(*box, 1);
      batch.add(Operation::added, 0, InMailbox{to.value, 0},
                Message{.uid = uid,
                        .size = static_cast<std::uint32_t>(size_of(message)),
                        .modseq = modseq,
                        .blob = ids[i],
                        .thread = message.thread,
                        .keywords = bits[i],
                        .internal_date = message.internal_date != 0 ? message.internal_date : now,
                        .save_date = static_cast<std::uint32_t>(now),
                        .zone_minutes = message.zone_minutes,
                        .flags = message.flags});
      appended.uids.push_back(uid);
    }
    after = Account::next_uid(*box);
    if (origin) batch.add(Operation::origin, 1, OriginSaid{origin.message.value, origin.recipient, 0});
    return {};
  };
  RP_CO_CHECK(co_await store.write(
      {.user = self, .build = build, .state = false, .silent = nullptr, .blobs = &held, .may = &may}));
  co_return appended;
}

// ---- flags, expunge, copy

namespace {

// Calls `visit` for each message of the mailbox that is in the set.
template <class Visit>
void for_each_in(const Mailbox& box, const UidSet& which, Visit visit) {
  const auto messages = box.messages();
  for (const UidRange& range : which.ranges())
    for (std::size_t i = box.lower_bound(range.first); i < messages.size() && messages[i].uid <= range.last;
         ++i)
      visit(messages[i]);
}

template <class T>
T changed(T old, T by, FlagChange::How how) {
  switch (how) {
    case FlagChange::How::add:
      return old | by;
    case FlagChange::How::remove:
      return old & ~by;
    case FlagChange::How::replace:
      break;
  }
  return by;
}

}  // namespace

Task<Outcome<FlagsChanged>> User::change_flags(MailboxId in, UidSet which, FlagChange change, May may) {
  const auto self = shared_from_this();
  const auto turn = co_await take_turn();
  FlagsChanged result;
  const auto build = [&](Batch& batch) -> Outcome<> {
    Mailbox* box = account->find(in);
    if (box == nullptr) return refused(Refused::no_mailbox, "no such mailbox");
    result = {};
    Batch naming;
    std::vector<std::string> names;
    // Nothing is removed by a name that nobody has.
    if (change.how == FlagChange::How::remove)
      std::erase_if(change.keywords, [&](const std::string& name) { return !box->keyword(name); });
    const KeywordBits bits = RP_TRY(keyword_bits(naming, *box, change.keywords, names));
    for_each_in(*box, which, [&](const Message& message) {
      if (change.unchanged_since && message.modseq > *change.unchanged_since)
        return result.modified.append(message.uid);
      if (changed(message.flags, change.flags, change.how) != message.flags ||
          changed(message.keywords, bits, change.how) != message.keywords)
        result.changed.append(message.uid);
    });
    if (result.changed.empty()) return {};
    batch.add_all(naming);
    result.modseq = Account::give_modseq(*box);
    batch.add(Operation::flags, static_cast<std::uint8_t>(change.how),
              FlagsSaid{.mailbox = in.value,
                        .flags = static_cast<std::uint16_t>(change.flags),
                        .keywords = bits,
                        .modseq = result.modseq.value},
              result.changed.ranges());
    return {};
  };
  RP_CO_CHECK(co_await store.write(
      {.user = self, .build = build, .silent = change.by, .blobs = nullptr, .may = &may}));
  co_return result;
}

Task<Outcome<UidSet>> User::expunge(MailboxId in, UidSet which, bool only_deleted, May may) {
  const auto self = shared_from_this();
  const auto turn = co_await take_turn();
  UidSet gone;
  const auto build = [&](Batch& batch) -> Outcome<> {
    Mailbox* box = account->find(in);
    if (box == nullptr) return refused(Refused::no_mailbox, "no such mailbox");
    gone = {};
    for_each_in(*box, which, [&](const Message& message) {
      if (!only_deleted || has(message.flags, Flags::deleted)) gone.append(message.uid);
    });
    if (gone.empty()) return {};
    batch.add(Operation::expunged, 0,
              Expunged{.mailbox = in.value, .modseq = Account::give_modseq(*box).value}, gone.ranges());
    return {};
  };
  RP_CO_CHECK(co_await store.write({.user = self, .build = build, .blobs = nullptr, .may = &may}));
  co_return gone;
}

// Keywords go by their names: some may be new there.
Outcome<> User::write_copy(Batch& batch, Mailbox& from, const UidSet& which, Mailbox& to, bool moves,
                           FlagsKept kept, Copied& copied) {
  KeywordBits used = 0;
  Flags flags = Flags::none;
  std::uint64_t bytes = 0;
  for_each_in(from, which, [&](const Message& message) {
    copied.from.append(message.uid);
    if (kept.keywords) used |= message.keywords;
    flags = flags | message.flags;
    bytes += message.size;
  });
  const std::uint64_t count = copied.from.count();
  if (count == 0) return {};
  if (!moves) RP_CHECK(check_quota(bytes, count));
  std::array<std::uint8_t, kKeywordsMax> map;
  map.fill(0xFF);
  std::vector<std::string> names;
  for (std::size_t bit = 0; bit < from.keywords().size(); ++bit) {
    if ((used >> bit & 1U) == 0) continue;
    const KeywordBits there = RP_TRY(keyword_bits(batch, to, from.keywords().subspan(bit, 1), names));
    map[bit] = static_cast<std::uint8_t>(std::countr_zero(there));
  }
  if (!Account::has_uids(to, count)) return refused(Refused::limit, "the mailbox has no UIDs left");
  const Uid first = Account::give_uids(to, static_cast<std::uint32_t>(count));
  copied.uid_validity = to.uid_validity();
  copied.to.append(UidRange{first, {first.value + static_cast<std::uint32_t>(count) - 1}});
  batch.add(Operation::copied, 0,
            CopiedSaid{.from = from.id().value,
                       .to = to.id().value,
                       .first_uid = first.value,
                       .save_date = static_cast<std::uint32_t>(seconds_of(store.core.wall_now())),
                       .modseq = Account::give_modseq(to).value},
            map, copied.from.ranges());
  if (const Flags behind = flags & ~kept.flags; behind != Flags::none)
    batch.add(Operation::flags, static_cast<std::uint8_t>(FlagChange::How::remove),
              FlagsSaid{.mailbox = to.id().value,
                        .flags = static_cast<std::uint16_t>(behind),
                        .keywords = 0,
                        .modseq = Account::give_modseq(to).value},
              copied.to.ranges());
  return {};
}

Task<Outcome<Copied>> User::transfer(MailboxId from, UidSet which, MailboxId to, bool and_expunge,
                                     FlagsKept kept, May may) {
  const auto self = shared_from_this();
  const auto turn = co_await take_turn();
  Copied copied;
  const auto build = [&](Batch& batch) -> Outcome<> {
    Mailbox* source = account->find(from);
    Mailbox* target = account->find(to);
    if (source == nullptr || target == nullptr) return refused(Refused::no_mailbox, "no such mailbox");
    copied = {};
    RP_CHECK(write_copy(batch, *source, which, *target, and_expunge, kept, copied));
    if (and_expunge && !copied.from.empty())
      batch.add(Operation::expunged, 0,
                Expunged{.mailbox = from.value, .modseq = Account::give_modseq(*source).value},
                copied.from.ranges());
    return {};
  };
  RP_CO_CHECK(co_await store.write(
      {.user = self, .build = build, .state = and_expunge, .blobs = nullptr, .may = &may}));
  co_return copied;
}

Task<Outcome<Copied>> User::copy(MailboxId from, UidSet which, MailboxId to, FlagsKept kept, May may) {
  return transfer(from, std::move(which), to, false, kept, std::move(may));
}
Task<Outcome<Copied>> User::move(MailboxId from, UidSet which, MailboxId to, FlagsKept kept, May may) {
  return transfer(from, std::move(which), to, true, kept, std::move(may));
}

Task<Result<Content>> User::read(BlobId blob, std::uint64_t offset, std::uint64_t size) {
  return store.read(blob, offset, size, this);
}
Task<Result<std::vector<std::byte>>> User::facts(BlobId blob) {
  return store.facts(blob, this);
}

}  // namespace ringpost::store
