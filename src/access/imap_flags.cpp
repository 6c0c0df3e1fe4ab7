// STORE, COPY, MOVE and EXPUNGE.
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

constexpr std::string_view kOnlyRead = "The mailbox is selected to be read only";

}  // namespace

Task<ImapConversation::Answer> ImapConversation::run(imap::Store& command) {
  if (!has_selection()) co_return Answer::no(imap::codes::kNonExistent, "The mailbox has been deleted");
  if (selection_->read_only) co_return Answer::no(imap::codes::kNoPerm, std::string(kOnlyRead));
  const auto which = selection_->resolve(command.set, command.uid);
  if (!which) co_return Answer::bad("There are not so many messages");
  store::FlagChange change{.how = how_of(command.mode),
                           .flags = to_store(command.flags.system),
                           .keywords = command.flags.keywords,
                           .unchanged_since = std::nullopt};
  if (command.unchanged_since) change.unchanged_since = store::ModSeq{*command.unchanged_since};
  auto changed = co_await mail_->change_flags(selection_->mailbox()->id(), *which, std::move(change));
  if (!changed) co_return Answer::refused(changed.error());
  if (!has_selection()) co_return Answer::ok();
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

Task<ImapConversation::Answer> ImapConversation::run(imap::Copy& command) {
  if (!has_selection()) co_return Answer::no(imap::codes::kNonExistent, "The mailbox has been deleted");
  if (command.move && selection_->read_only)
    co_return Answer::no(imap::codes::kNoPerm, std::string(kOnlyRead));
  const auto which = selection_->resolve(command.set, command.uid);
  if (!which) co_return Answer::bad("There are not so many messages");
  const store::Mailbox* to = mail_->find(command.mailbox);
  if (to == nullptr) co_return Answer::no(imap::codes::kTryCreate, "There is no such mailbox");
  const store::MailboxId from = selection_->mailbox()->id(), target = to->id();
  const auto lesson = lesson_of(from, target);
  auto copied =
      command.move ? co_await mail_->move(from, *which, target) : co_await mail_->copy(from, *which, target);
  if (!copied) co_return Answer::refused(copied.error(), imap::codes::kTryCreate);
  if (copied->to.empty()) co_return Answer::ok("None of them is there");
  if (lesson) co_await teach(*lesson, target, copied->to);
  const std::string code =
      imap::codes::copy_uid(copied->uid_validity, to_imap(copied->from), to_imap(copied->to));
  if (!command.move) co_return Answer::ok("Copied", code);
  // RFC 6851 section 4.3: before the expunges, so that a client that loses the connection knows.
  session_.respond().status({imap::Condition::ok, code, "Moved"});
  tell_news(true);
  co_return Answer::ok("Moved");
}

Task<ImapConversation::Answer> ImapConversation::run(imap::Expunge& command) {
  if (!has_selection()) co_return Answer::no(imap::codes::kNonExistent, "The mailbox has been deleted");
  if (selection_->read_only) co_return Answer::no(imap::codes::kNoPerm, std::string(kOnlyRead));
  store::UidSet which = store::UidSet::all();
  if (command.uids) which = selection_->resolve(*command.uids, true).value_or(store::UidSet());
  auto gone = co_await mail_->expunge(selection_->mailbox()->id(), std::move(which));
  if (!gone) co_return Answer::refused(gone.error());
  tell_news(true);
  if (!has_selection() || !session_.dialect().qresync || gone->empty()) co_return Answer::ok();
  co_return Answer::ok("Expunged",
                       imap::codes::highest_mod_sequence(selection_->mailbox()->highest_modseq().value));
}

}  // namespace ringpost::access
