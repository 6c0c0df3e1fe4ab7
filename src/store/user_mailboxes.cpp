// One user's mail: what happens to mailboxes and subscriptions.
#include <algorithm>

#include "store_state.hpp"
#include "text.hpp"

namespace ringpost::store {

namespace {

std::uint32_t seconds(const shard::Core& core) {
  return static_cast<std::uint32_t>(core.wall_now().nanoseconds / 1'000'000'000);
}

}  // namespace

// With the levels above it that are not there. Access lists are those of the parent; of the mailbox itself that of `like`, if there is one.
Outcome<MailboxId> User::add_mailbox(Batch& batch, std::string_view name, SpecialUse use,
                                     std::optional<MailboxId> like) {
  std::vector<std::string_view> missing;
  for (std::string_view each = name; !each.empty() && account->find(each) == nullptr; each = parent_of(each))
    missing.push_back(each);
  if (account->mailboxes().size() + missing.size() > kMailboxesMax)
    return refused(Refused::limit, "too many mailboxes");
  std::vector<MailboxId> made;
  for (auto each = missing.rbegin(); each != missing.rend(); ++each) {
    made.push_back(account->next_mailbox());
    batch.add(Operation::mailbox_made, 0,
              MailboxMade{.mailbox = made.back().value,
                          .uid_validity = account->next_uid_validity(seconds(store.core)),
                          .special_use = *each == name ? static_cast<std::uint32_t>(use) : 0},
              *each);
  }
  if (like) RP_CHECK(copy_access(batch, *like, std::span(made).last(1)));
  if (const Mailbox* parent = account->find(parent_of(missing.back())); parent != nullptr)
    RP_CHECK(
        copy_access(batch, parent->id(), like ? std::span(made).first(made.size() - 1) : std::span(made)));
  return made.back();
}

Task<Outcome<>> User::make_inbox(std::string name) {
  const auto self = shared_from_this();
  const auto turn = co_await take_turn();
  const auto build = [&](Batch& batch) -> Outcome<> {
    if (account->alive()) return {};  // by another one, who had the turn before
    batch.add(Operation::user_named, 0, std::string_view(name));
    batch.add(
        Operation::mailbox_made, 0,
        MailboxMade{.mailbox = kInbox.value, .uid_validity = account->next_uid_validity(seconds(store.core))},
        std::string_view("INBOX"));
    return {};
  };
  co_return co_await store.write({.user = self, .build = build, .state = false, .blobs = nullptr});
}

Task<Outcome<>> User::end_user() {
  const auto self = shared_from_this();
  const auto turn = co_await take_turn();
  const auto going = [&](bool on) {
    for (const auto& [id, box] : account->mailboxes()) Account::set_going(*box, on);
  };
  const auto build = [&](Batch& batch) -> Outcome<> {
    if (account->alive()) batch.add(Operation::user_gone, 0);
    going(true);
    return {};
  };
  auto written = co_await store.write({.user = self, .build = build, .blobs = nullptr});
  if (!written) {
    going(false);
    co_return written;
  }
  // What is left is the number of the last change and the last UIDVALIDITY: older records must never count again.
  store.want_snapshot(self);
  co_return written;
}

Task<Outcome<MailboxId>> User::create(std::string_view name, SpecialUse use, May may) {
  const auto self = shared_from_this();
  const auto normal = normal_name(name);
  if (!normal) co_return refused(Refused::bad_name, "not a name for a mailbox");
  const auto turn = co_await take_turn();
  MailboxId id;
  const auto build = [&](Batch& batch) -> Outcome<> {
    if (account->find(*normal) != nullptr) return refused(Refused::exists, "the mailbox exists");
    id = RP_TRY(add_mailbox(batch, *normal, use));
    return {};
  };
  RP_CO_CHECK(
      co_await store.write({.user = self, .build = build, .state = false, .blobs = nullptr, .may = &may}));
  co_return id;
}

Outcome<> User::rename_tree(Batch& batch, const Mailbox& box, const std::string& to) {
  const std::string below = box.name() + "/";
  if (to.starts_with(below)) return refused(Refused::bad_name, "a mailbox cannot go below itself");
  if (const auto parent = parent_of(to); !parent.empty() && account->find(parent) == nullptr) {
    RP_TRY(add_mailbox(batch, parent, SpecialUse::none));
  }
  const auto rename_one = [&](const Mailbox& each) -> Outcome<> {
    const std::string name = to + each.name().substr(box.name().size());
    if (!normal_name(name)) return refused(Refused::bad_name, "a name would be too long");
    if (account->find(name) != nullptr) return refused(Refused::exists, "the mailbox exists: " + name);
    batch.add(Operation::mailbox_named, 0, InMailbox{each.id().value, 0}, std::string_view(name));
    return {};
  };
  RP_CHECK(rename_one(box));
  const auto& names = account->by_name();
  for (auto each = names.lower_bound(below); each != names.end() && each->first.starts_with(below); ++each)
    RP_CHECK(rename_one(*each->second));
  return {};
}

// Its mailboxes below stay, and so does the inbox itself, empty (RFC 9051 section 6.3.6).
Outcome<> User::move_inbox(Batch& batch, const std::string& to) {
  const MailboxId made = RP_TRY(add_mailbox(batch, to, SpecialUse::none, kInbox));
  copy_annotations(batch, kInbox, made);
  Mailbox& inbox = *account->find(kInbox);
  if (inbox.count() == 0) return {};
  UidSet all;
  for (const Message& message : inbox.messages()) all.append(message.uid);
  for (std::size_t bit = 0; bit < inbox.keywords().size(); ++bit)
    batch.add(Operation::keyword, 0, InMailbox{made.value, static_cast<std::uint32_t>(bit)},
              std::string_view(inbox.keywords()[bit]));
  std::array<std::uint8_t, kKeywordsMax> same;
  for (std::size_t bit = 0; bit < same.size(); ++bit) same[bit] = static_cast<std::uint8_t>(bit);
  batch.add(Operation::copied, 0,
            CopiedSaid{.from = kInbox.value,
                       .to = made.value,
                       .first_uid = 1,
                       .save_date = seconds(store.core),
                       .modseq = 2},
            same, all.ranges());
  batch.add(Operation::expunged, 0,
            Expunged{.mailbox = kInbox.value, .modseq = Account::give_modseq(inbox).value}, all.ranges());
  return {};
}

Task<Outcome<>> User::rename(MailboxId mailbox, std::string_view to, May may) {
  const auto self = shared_from_this();
  const auto normal = normal_name(to);
  if (!normal) co_return refused(Refused::bad_name, "not a name for a mailbox");
  const auto turn = co_await take_turn();
  const auto build = [&](Batch& batch) -> Outcome<> {
    const Mailbox* box = account->find(mailbox);
    if (box == nullptr) return refused(Refused::no_mailbox, "no such mailbox");
    if (account->find(*normal) != nullptr) return refused(Refused::exists, "the mailbox exists");
    return mailbox == kInbox ? move_inbox(batch, *normal) : rename_tree(batch, *box, *normal);
  };
  co_return co_await store.write({.user = self, .build = build, .blobs = nullptr, .may = &may});
}

Task<Outcome<>> User::remove(MailboxId mailbox, May may) {
  const auto self = shared_from_this();
  const auto turn = co_await take_turn();
  const auto build = [&](Batch& batch) -> Outcome<> {
    Mailbox* box = account->find(mailbox);
    if (box == nullptr) return refused(Refused::no_mailbox, "no such mailbox");
    if (mailbox == kInbox) return refused(Refused::inbox, "the inbox cannot be deleted");
    const std::string below = box->name() + "/";
    const auto next = account->by_name().lower_bound(below);
    if (next != account->by_name().end() && next->first.starts_with(below))
      return refused(Refused::has_children, "the mailbox has others below it");
    Account::set_going(*box, true);  // what is appended from now on would come behind its end
    batch.add(Operation::mailbox_gone, 0, InMailbox{mailbox.value, 0});
    return {};
  };
  auto written = co_await store.write({.user = self, .build = build, .blobs = nullptr, .may = &may});
  if (Mailbox* box = account->find(mailbox); !written && box != nullptr) Account::set_going(*box, false);
  co_return written;
}

Task<Outcome<>> User::set_special_use(MailboxId mailbox, SpecialUse use) {
  const auto self = shared_from_this();
  const auto turn = co_await take_turn();
  const auto build = [&](Batch& batch) -> Outcome<> {
    const Mailbox* box = account->find(mailbox);
    if (box == nullptr) return refused(Refused::no_mailbox, "no such mailbox");
    if (box->special_use() != use)
      batch.add(Operation::special_use, 0, InMailbox{mailbox.value, static_cast<std::uint32_t>(use)});
    return {};
  };
  co_return co_await store.write({.user = self, .build = build, .blobs = nullptr});
}

Task<Outcome<>> User::number(MailboxId mailbox, std::uint32_t uid_validity, Uid uid_next) {
  const auto self = shared_from_this();
  if (uid_validity == 0 || uid_validity > kUidValidityKeptMax || !uid_next || uid_next.value > kUidKeptMax)
    co_return refused(Refused::limit, "UIDs so high are not kept");
  const auto turn = co_await take_turn();
  Uid free{1};  // what would be given next if nobody but this has given any
  const auto build = [&](Batch& batch) -> Outcome<> {
    Mailbox* box = account->find(mailbox);
    if (box == nullptr || Account::is_going(*box)) return refused(Refused::no_mailbox, "no such mailbox");
    const bool unused =
        box->uid_next() == Uid{1} && Account::next_uid(*box) == free && !Account::is_looked_at(*box);
    const bool same = box->uid_validity() == uid_validity;
    if (!same && !unused) return refused(Refused::uids_given, "the mailbox has given UIDs of its own");
    free = std::max(uid_next, Account::next_uid(*box));
    if (same && free == box->uid_next()) return {};
    Account::skip_uids(*box, free);
    batch.add(Operation::numbered, 0,
              Numbered{.mailbox = mailbox.value, .uid_validity = uid_validity, .uid_next = free.value});
    return {};
  };
  co_return co_await store.write({.user = self, .build = build, .blobs = nullptr});
}

Task<Outcome<>> User::subscribe(std::string_view name, bool on) {
  const auto self = shared_from_this();
  const auto normal = normal_subscription(name);
  if (!normal) co_return refused(Refused::bad_name, "not a name for a mailbox");
  const auto turn = co_await take_turn();
  const auto build = [&](Batch& batch) -> Outcome<> {
    if (account->subscriptions().contains(*normal) == on) return {};
    if (on && account->subscriptions().size() >= kSubscriptionsMax)
      return refused(Refused::limit, "too many subscriptions");
    batch.add(Operation::subscribed, on ? 1 : 0, std::string_view(*normal));
    return {};
  };
  co_return co_await store.write({.user = self, .build = build, .blobs = nullptr});
}

}  // namespace ringpost::store
