// STORE and EXPUNGE.
#include "imap_conversation.hpp"

namespace ringpost::access {

namespace {

store::FlagChange::How how_of(imap::Store::Mode mode) {
  switch (mode) {
    case imap::Store::Mode::add:
      return store::FlagChange::How::add;
    case imap::Store::Mode::remove:
      return store::FlagChange::How::remove;
    case imap::Store::Mode::replace:
      break;
  }
  return store::FlagChange::How::replace;
}

}  // namespace

// What of it is allowed, one change after the other, those behind the first only where it was not refused for `unchanged_since`. Each is
// refused when a right that it needs has been taken before its turn.
Task<store::Outcome<store::FlagsChanged>> ImapConversation::change_flags(store::UidSet which,
                                                                         store::FlagChange wanted) {
  auto changes = allowed(wanted, rights(), selection_->mailbox()->keywords());
  if (!changes) co_return not_allowed();
  const store::MailboxId box = selection_->mailbox()->id();
  store::FlagsChanged all;
  for (store::FlagChange& change : *changes) {
    if (!has_selection()) co_return no_mailbox();
    store::May may = still_has(rights_for(change));
    auto changed = RP_CO_TRY(co_await mail_->change_flags(box, which, std::move(change), std::move(may)));
    for (const store::UidRange& range : changed.changed.ranges()) all.changed.add(range);
    if (changed.modified.empty() || !has_selection()) continue;
    all.modified = changed.modified;
    store::UidSet rest;
    selection_->for_each(which, [&](const store::Message& message) {
      if (!all.modified.contains(message.uid)) rest.append(message.uid);
    });
    which = std::move(rest);
  }
  co_return all;
}

Task<Answer> ImapConversation::run(imap::Store& command) {
  if (!has_selection()) co_return Answer::deleted();
  if (selection_->read_only) co_return Answer::only_read();
  const auto which = selection_->resolve(command.set, command.uid);
  if (!which) co_return Answer::bad("There are not so many messages");
  store::FlagChange change{.how = how_of(command.mode),
                           .flags = to_store(command.flags.system),
                           .keywords = command.flags.keywords,
                           .unchanged_since = std::nullopt};
  if (command.unchanged_since) change.unchanged_since = store::ModSeq{*command.unchanged_since};
  auto changed = co_await change_flags(*which, change);
  // Where some right has been taken meanwhile, what the others allow is done still (RFC 4314 section 4). Not of a condition: the messages
  // would have been changed since by this one.
  if (!changed && changed.error().why == store::Refused::not_allowed && has_selection() &&
      !command.unchanged_since)
    changed = co_await change_flags(*which, change);
  if (!has_selection()) co_return changed ? Answer::ok() : Answer::deleted();
  if (!changed) co_return Answer::refused(changed.error());
  tell_news(false, *which);  // new keywords come before they are used
  // Without .SILENT the flags of all of them; with it the mod-sequences of those that changed (RFC 7162 section 3.1.3).
  selection_->for_each(command.silent ? changed->changed : *which, [&](const store::Message& message) {
    if (changed->modified.contains(message.uid)) return;
    if (!command.silent) {
      selection_->tell_flags(session_.respond(), session_.dialect(), message, command.uid);
    } else if (const auto name = selection_->name_of(message.uid); name && session_.dialect().condstore) {
      const imap::Dialect& dialect = session_.dialect();
      auto fetch = session_.respond().fetch(*name);
      if ((command.uid || dialect.qresync) && !dialect.uid_only) fetch.uid(message.uid.value);
      fetch.mod_sequence(message.modseq.value);
      fetch.end();
    }
  });
  if (changed->modified.empty()) co_return Answer::ok();
  imap::NumberSet refused;
  for (const store::UidRange& range : changed->modified.ranges())
    for (std::uint64_t uid = range.first.value; uid <= range.last.value; ++uid) {
      const store::Uid each{static_cast<std::uint32_t>(uid)};
      const std::size_t number = command.uid ? each.value : selection_->view().sequence_of(each);
      if (number != 0) refused.add(static_cast<std::uint32_t>(number));
    }
  co_return Answer::ok("Some have been changed by others", imap::codes::modified(refused));
}

Task<Answer> ImapConversation::run(imap::Expunge& command) {
  if (!has_selection()) co_return Answer::deleted();
  if (selection_->read_only) co_return Answer::only_read();
  if (!rights().has(store::Right::expunge)) co_return Answer::not_allowed();
  store::UidSet which = store::UidSet::all();
  if (command.uids) which = selection_->resolve(*command.uids, true).value_or(store::UidSet());
  auto gone = co_await mail_->expunge(selection_->mailbox()->id(), std::move(which), true,
                                      still_has(store::Right::expunge));
  if (!gone) co_return has_selection() ? Answer::refused(gone.error()) : Answer::deleted();
  tell_news(true, {}, true);
  if (!has_selection() || !session_.dialect().qresync || gone->empty()) co_return Answer::ok();
  co_return Answer::ok("Expunged", imap::codes::highest_mod_sequence(selection_->told_modseq().value));
}

}  // namespace ringpost::access
