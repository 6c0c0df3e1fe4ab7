// NOTIFY (RFC 5465): what a client hears without asking. Of the selected mailbox its view knows the news, of all others `Notices`.
#include <algorithm>

#include "imap_conversation.hpp"

namespace ringpost::access {

namespace {

using imap::NotifyEvents;
using imap::StatusItems;

constexpr std::uint16_t kCounts = StatusItems::kMessages | StatusItems::kUidNext;

// What NOTIFY SET STATUS tells of a mailbox (RFC 5465 section 3.1).
StatusItems first_items(NotifyEvents events) {
  StatusItems items;
  if (events.has(NotifyEvents::kMessageNew)) items.bits |= kCounts | StatusItems::kUidValidity;
  if (events.has(NotifyEvents::kFlagChange))
    items.bits |= StatusItems::kUidValidity | StatusItems::kHighestModSeq;
  return items;
}

StatusItems items_of(const Notices::Messages& messages, const imap::Dialect& dialect) {
  StatusItems items;
  if (messages.added != 0 || messages.gone != 0) items.bits |= kCounts;
  if (messages.flags) items.bits |= StatusItems::kUidValidity | StatusItems::kUnseen;
  if (dialect.condstore) items.bits |= StatusItems::kHighestModSeq;
  return items;
}

}  // namespace

// Of the user's own mailboxes, on their core.
Task<Answer> ImapConversation::run(imap::Notify& command) {
  notifying_.reset();
  const bool beside_others = has_selection() && !is_own();
  if (!command.on && (beside_others || !home_)) co_return Answer::ok();
  if (beside_others)
    co_return Answer::no(imap::codes::kCannot, "There is no NOTIFY beside a mailbox of somebody else");
  if (!home_) {
    selection_.reset();
    session_.deselect();  // of a mailbox there that has gone
    const unsigned home = reach_.store().owner(store::user_id_of(user_));
    if (home == service_.core().index())
      co_return Answer::no(imap::codes::kUnavailable, "The mailboxes are not open, try again later");
    move_to(home);
    co_return Answer::ok();
  }
  if (command.on) tell_news(true);  // all of it, as NOOP does
  const bool status = command.status;
  notify(std::move(command));
  if (!status) co_return Answer::ok();
  for (const store::Mailbox* mailbox : home_->mailboxes()) {
    const StatusItems items = first_items(notifying_->notices.events_of(mailbox->name()));
    if (items.bits != 0 && mailbox->id() != selected_id())
      tell_status(mailbox->name(), status_of(*home_, *mailbox, items));
  }
  co_return Answer::ok();
}

void ImapConversation::notify(imap::Notify wanted) {
  fresh_.clear();
  notifying_.reset();  // one watch ends before another begins
  notifying_ = std::make_unique<Notifying>(*home_, std::move(wanted), static_cast<store::Listener&>(*this));
}

store::MailboxId ImapConversation::selected_id() const {
  return has_selection() && is_own() ? selection_->mailbox()->id() : store::MailboxId{};
}

// The session leaves the user's own mailboxes (RFC 5465 section 5.8).
void ImapConversation::end_notify() {
  if (!notifying_) return;
  const bool wanted = notifying_->notices.wants_something();
  notifying_.reset();
  if (!wanted) return;
  session_.respond().status({imap::Condition::ok, imap::codes::kNotificationOverflow,
                             "NOTIFY is over beside a mailbox of somebody else"});
}

bool ImapConversation::has_news() const {
  if (!notifying_ || session_.in_command() || session_.closed()) return false;
  if (notifying_->notices.pending() || !fresh_.empty()) return true;
  return has_selection() && selection_->view().pending() && notifying_->notices.of_selected().messages;
}

Task<void> ImapConversation::tell_unasked() {
  co_await tell_what_happened(session_.in_idle() || notifying_->notices.of_selected().at_once);
}

Task<void> ImapConversation::tell_what_happened(bool expunges) {
  tell_news(expunges);
  if (!notifying_) co_return;
  co_await fetch_fresh();
  if (notifying_->notices.pending()) tell_notices();
}

// What NOTIFY wants to know of messages that are new in the selected mailbox.
Task<void> ImapConversation::fetch_fresh() {
  if (fresh_.empty()) co_return;
  const std::vector<store::Uid> uids = std::exchange(fresh_, {});
  const imap::Fetch fetch{
      .uid = true, .set = {}, .items = notifying_->notices.fetch(), .changed_since = {}, .partial = {}};
  std::size_t steps = 0;
  for (const store::Uid uid : uids) {
    const store::Message* message = has_selection() ? selection_->mailbox()->find(uid) : nullptr;
    if (message == nullptr) continue;
    // One that cannot be read, or goes meanwhile, is not told of; who asks for it hears why.
    (void)co_await fetch_one(fetch, *message, false);
    if (!co_await relieve(steps)) co_return;
  }
}

void ImapConversation::made_messages(store::MailboxId in, const store::UidSet& uids) {
  if (!notifying_) return;
  if (in == selected_id())
    for (const store::UidRange& range : uids.ranges()) own_.add(range);
  else
    notifying_->notices.forget_added(in, uids.count());
}

void ImapConversation::tell_notices() {
  const Notices::News news = notifying_->notices.take(selected_id());
  if (news.overflow) {
    notify({});
    session_.respond().status(
        {imap::Condition::ok, imap::codes::kNotificationOverflow, "Too much has happened: NOTIFY is over"});
    return;
  }
  tell_listed(news.names);
  for (const auto& [id, messages] : news.messages)
    if (const store::Mailbox* mailbox = home_->find(id))
      tell_status(mailbox->name(), status_of(*home_, *mailbox, items_of(messages, session_.dialect())));
  for (const auto& [id, entries] : news.entries) {
    const store::Mailbox* mailbox = id ? home_->find(id) : nullptr;
    if (id && mailbox == nullptr) continue;
    const std::vector<std::string> names(entries.begin(), entries.end());
    session_.respond().metadata_changed(mailbox == nullptr ? "" : mailbox->name(), names);
  }
}

}  // namespace ringpost::access
