#include "access_lists.hpp"

#include "store_state.hpp"

namespace ringpost::store {

const AccessList& AccessLists::of(MailboxId mailbox) const {
  static const AccessList kNone;
  const auto found = lists_.find(mailbox.value);
  return found == lists_.end() ? kNone : found->second;
}

void AccessLists::entered(const std::string& identifier) {
  ++entries_;
  if (++lists_with_[identifier] == 1 && listener_) listener_(identifier, true);
}

void AccessLists::left(const std::string& identifier) {
  --entries_;
  const auto found = lists_with_.find(identifier);
  if (--found->second != 0) return;
  lists_with_.erase(found);
  if (listener_) listener_(identifier, false);
}

void AccessLists::set(MailboxId mailbox, std::string_view identifier, Rights rights) {
  if (rights.empty()) {
    const auto list = lists_.find(mailbox.value);
    if (list == lists_.end()) return;
    const auto found = list->second.find(identifier);
    if (found == list->second.end()) return;
    const std::string gone = found->first;
    list->second.erase(found);
    if (list->second.empty()) lists_.erase(list);
    left(gone);
    return;
  }
  const auto [entry, added] = lists_[mailbox.value].try_emplace(std::string(identifier), rights);
  entry->second = rights;
  if (added) entered(entry->first);
}

void AccessLists::copy(MailboxId from, MailboxId to) {
  const AccessList list = of(from);
  drop(to);
  for (const auto& [identifier, rights] : list) set(to, identifier, rights);
}

void AccessLists::drop(MailboxId mailbox) {
  const auto gone = lists_.extract(mailbox.value);
  if (gone.empty()) return;
  for (const auto& [identifier, rights] : gone.mapped()) left(identifier);
}

void AccessLists::listen(Listener listener) {
  listener_ = std::move(listener);
  for (const auto& [identifier, count] : lists_with_) listener_(identifier, true);
}

void AccessLists::write(Writer& to) const {
  to.put(static_cast<std::uint64_t>(lists_.size()));
  for (const auto& [mailbox, list] : lists_) {
    to.put(InMailbox{.mailbox = mailbox, .value = static_cast<std::uint32_t>(list.size())});
    for (const auto& [identifier, rights] : list) {
      to.put(rights.bits());
      to.put_text(identifier);
    }
  }
}

bool AccessLists::read(Reader& from) {
  const auto mailboxes = from.get<std::uint64_t>();
  for (std::uint64_t i = 0; i < mailboxes && from.good(); ++i) {
    const auto in = from.get<InMailbox>();
    for (std::uint32_t k = 0; k < in.value && from.good(); ++k) {
      const Rights rights = Rights::from_bits(from.get<std::uint32_t>());
      const std::string_view identifier = from.get_text();
      if (from.good()) set({in.mailbox}, identifier, rights);
    }
  }
  return from.good();
}

// ---- of a user

const AccessList& User::access_list(MailboxId of) const {
  return account->access_lists().of(of);
}

namespace {

Rights changed(Rights old, Rights by, RightsChange how) {
  switch (how) {
    case RightsChange::add:
      return old | by;
    case RightsChange::remove:
      return old - by;
    case RightsChange::replace:
      break;
  }
  return by;
}

}  // namespace

Task<Outcome<>> User::set_access(MailboxId on, std::string identifier, Rights rights, RightsChange how,
                                 May may) {
  const auto self = shared_from_this();
  const std::string_view who = std::string_view(identifier).substr(identifier.starts_with('-') ? 1 : 0);
  if (who.empty() || who.size() > kUserNameMax) co_return refused(Refused::bad_name, "not a name of a user");
  if (who == name()) co_return refused(Refused::bad_name, "the owner of a mailbox has all rights");
  const auto turn = co_await take_turn();
  const auto build = [&](Batch& batch) -> Outcome<> {
    const Mailbox* box = account->find(on);
    if (box == nullptr || Account::is_going(*box)) return refused(Refused::no_mailbox, "no such mailbox");
    const AccessLists& lists = account->access_lists();
    const AccessList& list = lists.of(on);
    const auto found = list.find(identifier);
    const Rights old = found == list.end() ? Rights() : found->second;
    const Rights wanted = changed(old, rights, how);
    if (wanted == old) return {};
    if (old.empty() && (list.size() >= kAccessEntriesMax || lists.entries() >= kAccessEntriesOfUserMax ||
                        (!lists.know(identifier) && lists.identifiers() >= kAccessIdentifiersMax)))
      return refused(Refused::limit, "too many names in access lists");
    batch.add(Operation::granted, 0, InMailbox{on.value, wanted.bits()}, std::string_view(identifier));
    return {};
  };
  co_return co_await store.write({.user = self, .build = build, .blobs = nullptr, .may = &may});
}

// A new mailbox begins with the list of another one.
Outcome<> User::copy_access(Batch& batch, MailboxId from, std::span<const MailboxId> to) const {
  const AccessLists& lists = account->access_lists();
  const std::size_t more = lists.of(from).size() * to.size();
  if (more == 0) return {};
  if (lists.entries() + more > kAccessEntriesOfUserMax)
    return refused(Refused::limit, "too many names in access lists");
  for (const MailboxId each : to) batch.add(Operation::granted, 1, InMailbox{each.value, from.value});
  return {};
}

bool Account::grant(std::uint8_t how, Reader& body) {
  const auto said = body.get<InMailbox>();
  const MailboxId mailbox{said.mailbox};
  Mailbox* const box = find(mailbox);
  if (box == nullptr || how > 1) return false;
  for (View* view : box->views_) view->note_access();
  if (how == 1) {
    access_lists_.copy({said.value}, mailbox);
    return true;
  }
  const std::string_view identifier = body.rest_text();
  if (identifier.empty()) return false;
  access_lists_.set(mailbox, identifier, Rights::from_bits(said.value));
  return true;
}

}  // namespace ringpost::store
