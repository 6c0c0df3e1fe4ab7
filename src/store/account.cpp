#include "account.hpp"

#include <algorithm>

namespace ringpost::store {

namespace {

// The messages of a rising run of UIDs: indices, the second behind the last.
std::pair<std::size_t, std::size_t> indices(const Mailbox& box, const UidRange& range) {
  const std::size_t first = box.lower_bound(range.first);
  const std::size_t last = range.last.value == ~0U ? box.count() : box.lower_bound({range.last.value + 1});
  return {first, std::max(first, last)};
}

Flags changed(Flags old, Flags by, std::uint8_t how) {
  return how == 0 ? old | by : how == 1 ? old & ~by : by;
}
KeywordBits changed(KeywordBits old, KeywordBits by, std::uint8_t how) {
  return how == 0 ? old | by : how == 1 ? old & ~by : by;
}

UidSet set_of(std::span<const UidRange> ranges) {
  UidSet set;
  for (const UidRange& range : ranges) set.append(range);
  return set;
}

}  // namespace

bool Account::apply(std::span<const std::byte> change, BlobRefs* refs, const View* silent) {
  refs_ = refs;
  silent_ = silent;
  watchers_.begin_change();
  bool sense = true;
  const bool whole = for_each_operation(change, [&](const OperationHeader& operation, Reader& body) {
    sense = operate(operation, body) && sense;
    return true;
  });
  lsn_ = std::max(lsn_, Reader(change).get<ChangeHeader>().lsn);
  refs_ = nullptr;
  silent_ = nullptr;
  return sense && whole;
}

bool Account::operate(const OperationHeader& operation, Reader& body) {
  switch (static_cast<Operation>(operation.type)) {
    case Operation::user_named:
      name_ = body.rest_text();
      alive_ = true;
      return true;
    case Operation::mailbox_made:
      return make_mailbox(body);
    case Operation::mailbox_named:
      return rename_mailbox(body);
    case Operation::mailbox_gone:
      return drop_mailbox(body);
    case Operation::special_use:
      return set_special_use(body);
    case Operation::subscribed: {
      const std::string name(body.rest_text());
      if (operation.how != 0)
        subscriptions_.insert(name);
      else
        subscriptions_.erase(name);
      watchers_.tell({.what = Happened::What::subscribed, .name = name});
      return true;
    }
    case Operation::quota_set:
      return true;
    case Operation::added:
      return add(body);
    case Operation::origin: {
      const auto said = body.get<OriginSaid>();
      const Origin origin{{said.message}, said.recipient};
      if (operation.how != 0)
        origins_.insert(origin);
      else
        origins_.erase(origin);
      return true;
    }
    case Operation::flags:
      return change_flags(operation.how, body);
    case Operation::expunged:
      return expunge(body);
    case Operation::keyword:
      return name_keyword(body);
    case Operation::copied:
      return copy(body);
    case Operation::user_gone:
      drop_user();
      return true;
    case Operation::numbered:
      return number(body);
    case Operation::annotated:
      return annotate(operation.how, body);
    case Operation::granted:
      return grant(operation.how, body);
  }
  return false;
}

Mailbox* Account::find(MailboxId id) const {
  const auto found = mailboxes_.find(id.value);
  return found == mailboxes_.end() ? nullptr : found->second.get();
}
Mailbox* Account::find(std::string_view normal_name) const {
  const auto found = by_name_.find(normal_name);
  return found == by_name_.end() ? nullptr : found->second;
}

Uid Account::give_uids(Mailbox& box, std::uint32_t count) {
  const Uid first = box.next_uid_to_give_;
  box.next_uid_to_give_.value += count;
  return first;
}

bool Account::make_mailbox(Reader& body) {
  const auto made = body.get<MailboxMade>();
  const std::string name(body.rest_text());
  if (made.mailbox == 0 || mailboxes_.contains(made.mailbox) || by_name_.contains(name)) return false;
  auto box = std::make_unique<Mailbox>();
  box->id_ = {made.mailbox};
  box->name_ = name;
  box->uid_validity_ = made.uid_validity;
  box->special_use_ = static_cast<SpecialUse>(made.special_use);
  by_name_[name] = box.get();
  tell(Happened::What::mailbox_made, *box);
  mailboxes_[made.mailbox] = std::move(box);
  next_mailbox_ = std::max(next_mailbox_, made.mailbox + 1);
  last_uid_validity_ = std::max(last_uid_validity_, made.uid_validity);
  return true;
}

bool Account::number(Reader& body) {
  const auto said = body.get<Numbered>();
  Mailbox* box = find(MailboxId{said.mailbox});
  if (box == nullptr || Uid{said.uid_next} < box->uid_next_) return false;
  box->uid_validity_ = said.uid_validity;
  box->uid_next_ = {said.uid_next};
  box->next_uid_to_give_ = std::max(box->next_uid_to_give_, box->uid_next_);
  last_uid_validity_ = std::max(last_uid_validity_, said.uid_validity);
  tell(Happened::What::flags_changed, *box);
  return true;
}

bool Account::rename_mailbox(Reader& body) {
  const auto said = body.get<InMailbox>();
  const std::string name(body.rest_text());
  Mailbox* box = find(MailboxId{said.mailbox});
  if (box == nullptr || by_name_.contains(name)) return false;
  by_name_.erase(box->name_);
  const std::string old_name = std::exchange(box->name_, name);
  by_name_[name] = box;
  watchers_.tell_renamed(box->id_, old_name, name);
  return true;
}

bool Account::drop_mailbox(Reader& body) {
  Mailbox* box = find(MailboxId{body.get<InMailbox>().mailbox});
  if (box == nullptr) return false;
  for (const Message& message : box->messages_) remove(message, *box);
  for (View* view : std::exchange(box->views_, {})) view->note_gone();
  annotations_.drop(box->id_);
  access_lists_.drop(box->id_);
  by_name_.erase(box->name_);
  const auto gone = mailboxes_.extract(box->id_.value);
  tell(Happened::What::mailbox_gone, *gone.mapped());
  return true;
}

void Account::drop_user() {
  while (!mailboxes_.empty()) {
    const InMailbox first{.mailbox = mailboxes_.begin()->first};
    Reader body(std::as_bytes(std::span(&first, 1)));
    drop_mailbox(body);
  }
  subscriptions_.clear();
  annotations_.clear();
  origins_.clear();
  alive_ = false;
}

bool Account::set_special_use(Reader& body) {
  const auto said = body.get<InMailbox>();
  Mailbox* box = find(MailboxId{said.mailbox});
  if (box == nullptr) return false;
  box->special_use_ = static_cast<SpecialUse>(said.value);
  return true;
}

void Account::count(Mailbox& box, const Message& message, int by) {
  const auto step = static_cast<std::size_t>(by);  // wraps for -1, as it should
  if (!has(message.flags, Flags::seen)) {
    box.unseen_ += step;
    if (by > 0) box.seen_below_ = std::min(box.seen_below_, message.uid);
  }
  if (has(message.flags, Flags::deleted)) box.deleted_ += step;
}

void Account::insert(Mailbox& box, const Message& message) {
  box.messages_.push_back(message);
  count(box, message, 1);
  box.size_ += message.size;
  bytes_ += message.size;
  ++messages_;
  box.uid_next_ = {message.uid.value + 1};
  box.next_uid_to_give_ = std::max(box.next_uid_to_give_, box.uid_next_);
  box.highest_modseq_ = std::max(box.highest_modseq_, message.modseq);
  box.last_modseq_given_ = std::max(box.last_modseq_given_, message.modseq);
  if (refs_ != nullptr) refs_->added(message.blob);
}

// From the counts; the caller takes it out of the list.
void Account::remove(const Message& message, Mailbox& box) {
  count(box, message, -1);
  box.size_ -= message.size;
  bytes_ -= message.size;
  --messages_;
  if (refs_ != nullptr) refs_->removed(message.blob);
}

bool Account::add(Reader& body) {
  Mailbox* box = find(MailboxId{body.get<InMailbox>().mailbox});
  const auto message = body.get<Message>();
  if (box == nullptr || !message.uid || message.uid < box->uid_next_) return false;
  insert(*box, message);
  for (View* view : box->views_) view->note_added();
  tell(Happened::What::messages_added, *box, 1);
  return true;
}

bool Account::change_flags(std::uint8_t how, Reader& body) {
  const auto said = body.get<FlagsSaid>();
  const auto ranges = body.rest<UidRange>();
  Mailbox* box = find(MailboxId{said.mailbox});
  if (box == nullptr || how > 2) return false;
  const ModSeq modseq{said.modseq};
  for (const UidRange& range : ranges) {
    const auto [first, last] = indices(*box, range);
    for (std::size_t i = first; i < last; ++i) {
      Message& message = box->messages_[i];
      count(*box, message, -1);
      message.flags = changed(message.flags, static_cast<Flags>(said.flags), how);
      message.keywords = changed(message.keywords, said.keywords, how);
      message.modseq = modseq;
      count(*box, message, 1);
    }
  }
  box->highest_modseq_ = std::max(box->highest_modseq_, modseq);
  box->last_modseq_given_ = std::max(box->last_modseq_given_, modseq);
  tell(Happened::What::flags_changed, *box);
  if (box->views_.empty()) return true;
  const UidSet uids = set_of(ranges);
  for (View* view : box->views_)
    if (view != silent_) view->note_changed(uids);
  return true;
}

void Account::note_gone(Mailbox& box, ModSeq modseq, std::span<const UidRange> ranges) {
  for (const UidRange& range : ranges) box.gone_.push_back({modseq, range});
  box.highest_modseq_ = std::max(box.highest_modseq_, modseq);
  box.last_modseq_given_ = std::max(box.last_modseq_given_, modseq);
  if (box.gone_.size() <= kVanishedMax) return;
  // A quarter at a time, so that this is rare.
  const std::size_t first = box.gone_.size() - kVanishedMax + kVanishedMax / 4;
  box.vanished_since_ = box.gone_[first - 1].modseq;
  box.gone_.erase(box.gone_.begin(), box.gone_.begin() + static_cast<std::ptrdiff_t>(first));
}

bool Account::expunge(Reader& body) {
  const auto said = body.get<Expunged>();
  const auto ranges = body.rest<UidRange>();
  Mailbox* box = find(MailboxId{said.mailbox});
  if (box == nullptr) return false;
  std::size_t kept = ranges.empty() ? box->count() : box->lower_bound(ranges.front().first);
  std::size_t next = kept;
  const auto keep_until = [&](std::size_t end) {
    if (kept != next)
      std::move(box->messages_.begin() + static_cast<std::ptrdiff_t>(next),
                box->messages_.begin() + static_cast<std::ptrdiff_t>(end),
                box->messages_.begin() + static_cast<std::ptrdiff_t>(kept));
    kept += end - next;
    next = end;
  };
  for (const UidRange& range : ranges) {
    // Those before `next` have been moved: what is looked up lies behind.
    const auto from = box->messages_.begin() + static_cast<std::ptrdiff_t>(next);
    const auto first = std::lower_bound(from, box->messages_.end(), range.first,
                                        [](const Message& m, Uid uid) { return m.uid < uid; });
    const auto last = std::upper_bound(first, box->messages_.end(), range.last,
                                       [](Uid uid, const Message& m) { return uid < m.uid; });
    const auto end = static_cast<std::size_t>(last - box->messages_.begin());
    for (auto gone = first; gone != last; ++gone) remove(*gone, *box);
    keep_until(static_cast<std::size_t>(first - box->messages_.begin()));
    next = end;
  }
  keep_until(box->count());
  tell(Happened::What::messages_gone, *box, box->count() - kept);
  box->messages_.resize(kept);
  note_gone(*box, {said.modseq}, ranges);
  if (box->views_.empty()) return true;
  const UidSet uids = set_of(ranges);
  for (View* view : box->views_) view->note_expunged(uids);
  return true;
}

bool Account::name_keyword(Reader& body) {
  const auto said = body.get<InMailbox>();
  Mailbox* box = find(MailboxId{said.mailbox});
  if (box == nullptr || said.value != box->keywords_.size() || said.value >= kKeywordsMax) return false;
  box->keywords_.emplace_back(body.rest_text());
  for (View* view : box->views_) view->note_keywords();
  return true;
}

bool Account::copy(Reader& body) {
  const auto said = body.get<CopiedSaid>();
  const auto bits = body.get<std::array<std::uint8_t, kKeywordsMax>>();
  const auto ranges = body.rest<UidRange>();
  const Mailbox* from = find(MailboxId{said.from});
  Mailbox* to = find(MailboxId{said.to});
  if (from == nullptr || to == nullptr || Uid{said.first_uid} < to->uid_next_) return false;
  Uid next{said.first_uid};
  const std::size_t before = to->count();
  for (const UidRange& range : ranges) {
    const auto [first, last] = indices(*from, range);
    for (std::size_t i = first; i < last; ++i) {
      Message message = from->messages_[i];
      message.uid = next;
      ++next.value;
      message.modseq = {said.modseq};
      message.save_date = said.save_date;
      KeywordBits there = 0;
      for (std::size_t bit = 0; bit < kKeywordsMax; ++bit)
        if ((message.keywords >> bit & 1U) != 0 && bits[bit] < kKeywordsMax)
          there |= KeywordBits{1} << bits[bit];
      message.keywords = there;
      insert(*to, message);
    }
  }
  for (View* view : to->views_) view->note_added();
  tell(Happened::What::messages_added, *to, to->count() - before);
  return true;
}

void Account::refer_all(BlobRefs& refs) const {
  for (const auto& [id, box] : mailboxes_)
    for (const Message& message : box->messages_) refs.added(message.blob);
}

namespace {

constexpr std::uint32_t kSnapshotVersion = 1;

struct SnapshotHeader {
  std::uint32_t version = kSnapshotVersion;
  std::uint32_t alive = 0;
  std::uint32_t next_mailbox = 0;
  std::uint32_t last_uid_validity = 0;
  std::uint32_t reserved = 0;
  std::uint32_t mailboxes = 0;
  std::uint64_t reserved_too[2] = {};
};
struct MailboxHeader {
  std::uint32_t id = 0;
  std::uint32_t uid_validity = 0;
  std::uint32_t uid_next = 0;
  std::uint32_t special_use = 0;
  std::uint64_t highest_modseq = 0;
  std::uint64_t vanished_since = 0;
  std::uint32_t keywords = 0;
  std::uint32_t reserved = 0;
};
static_assert(sizeof(SnapshotHeader) == 40 && sizeof(MailboxHeader) == 40);

}  // namespace

std::vector<std::byte> Account::snapshot() const {
  Writer to;
  to.put(SnapshotHeader{.alive = alive_ ? 1U : 0U,
                        .next_mailbox = next_mailbox_,
                        .last_uid_validity = last_uid_validity_,
                        .mailboxes = static_cast<std::uint32_t>(mailboxes_.size())});
  to.put_text(name_);
  to.put(static_cast<std::uint64_t>(subscriptions_.size()));
  for (const std::string& name : subscriptions_) to.put_text(name);
  to.put(static_cast<std::uint64_t>(origins_.size()));
  for (const Origin& origin : origins_) to.put(OriginSaid{origin.message.value, origin.recipient, 0});
  for (const auto& [id, box] : mailboxes_) {
    to.put(MailboxHeader{.id = id,
                         .uid_validity = box->uid_validity_,
                         .uid_next = box->uid_next_.value,
                         .special_use = static_cast<std::uint32_t>(box->special_use_),
                         .highest_modseq = box->highest_modseq_.value,
                         .vanished_since = box->vanished_since_.value,
                         .keywords = static_cast<std::uint32_t>(box->keywords_.size())});
    to.put_text(box->name_);
    for (const std::string& name : box->keywords_) to.put_text(name);
    to.put_all(std::span<const Mailbox::Gone>(box->gone_));
    to.put_all(std::span<const Message>(box->messages_));
  }
  // Each ends where nothing of a later kind is: what has been written before there were any still reads.
  if (!annotations_.empty() || !access_lists_.empty()) annotations_.write(to);
  if (!access_lists_.empty()) access_lists_.write(to);
  return to.take();
}

bool Account::restore_mailbox(Reader& from, Mailbox& box) {
  const auto header = from.get<MailboxHeader>();
  box.id_ = {header.id};
  box.uid_validity_ = header.uid_validity;
  box.uid_next_ = box.next_uid_to_give_ = {header.uid_next};
  box.special_use_ = static_cast<SpecialUse>(header.special_use);
  box.highest_modseq_ = box.last_modseq_given_ = {header.highest_modseq};
  box.vanished_since_ = {header.vanished_since};
  box.name_ = from.get_text();
  if (header.keywords > kKeywordsMax) return false;
  for (std::uint32_t i = 0; i < header.keywords; ++i) box.keywords_.emplace_back(from.get_text());
  from.get_all(box.gone_);
  from.get_all(box.messages_);
  return from.good() && header.id != 0;
}

std::unique_ptr<Account> Account::restore(UserId id, std::uint64_t lsn, std::span<const std::byte> snapshot) {
  auto account = std::make_unique<Account>(id);
  Reader from(snapshot);
  const auto header = from.get<SnapshotHeader>();
  if (header.version != kSnapshotVersion) return nullptr;
  account->lsn_ = lsn;
  account->alive_ = header.alive != 0;
  account->next_mailbox_ = header.next_mailbox;
  account->last_uid_validity_ = header.last_uid_validity;
  account->name_ = from.get_text();
  const auto subscriptions = from.get<std::uint64_t>();
  for (std::uint64_t i = 0; i < subscriptions && from.good(); ++i)
    account->subscriptions_.emplace(from.get_text());
  const auto origins = from.get<std::uint64_t>();
  for (std::uint64_t i = 0; i < origins && from.good(); ++i) {
    const auto said = from.get<OriginSaid>();
    account->origins_.insert({{said.message}, said.recipient});
  }
  for (std::uint32_t i = 0; i < header.mailboxes; ++i) {
    auto box = std::make_unique<Mailbox>();
    if (!restore_mailbox(from, *box) || account->mailboxes_.contains(box->id_.value)) return nullptr;
    for (const Message& message : box->messages_) {
      account->count(*box, message, 1);
      box->size_ += message.size;
    }
    account->bytes_ += box->size_;
    account->messages_ += box->messages_.size();
    account->by_name_[box->name_] = box.get();
    account->mailboxes_[box->id_.value] = std::move(box);
  }
  if (from.good() && !from.at_end() && !account->annotations_.read(from)) return nullptr;
  if (from.good() && !from.at_end() && !account->access_lists_.read(from)) return nullptr;
  return from.good() && from.at_end() ? std::move(account) : nullptr;
}

}  // namespace ringpost::store
