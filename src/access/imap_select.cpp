// SELECT and what ends it. Who selects a mailbox goes to where it is.
#include "imap_conversation.hpp"

namespace ringpost::access {

// Asked first where the mailbox is: nobody moves for one that he may not read. A right that is taken on the way is noticed there.
Task<Answer> ImapConversation::run(imap::Select& command) {
  selection_.reset();
  fresh_.clear();
  const MailboxPath path = co_await reach_.path_to(command.mailbox);
  const Reach::AtMailbox is_there = [](store::UserMail&, const store::Mailbox&,
                                       store::Rights) -> Task<Answer> { co_return Answer::ok(); };
  Answer answer = co_await reach_.at(path, store::Right::read, is_there);
  if (!answer.is_ok()) co_return answer;
  if (path.others) end_notify();
  const unsigned place = reach_.store().owner(store::user_id_of(path.owner));
  if (place != service_.core().index()) {
    move_to(place);
    co_return answer;
  }
  auto mail = co_await reach_.store().open(path.owner);
  const store::Mailbox* mailbox = mail ? (*mail)->find(path.name) : nullptr;
  if (mailbox == nullptr) co_return Answer::no_mailbox();
  mail_ = std::move(*mail);
  const bool read_only = command.read_only || only_reads(rights_of(*mail_, mailbox->id(), user_));
  selection_.emplace(*mail_, *mailbox, read_only, static_cast<store::Listener&>(*this));
  tell_selected(path);
  if (command.qresync && command.qresync->uid_validity == mailbox->uid_validity())
    tell_since(*command.qresync);
  co_return Answer::ok(read_only ? "Selected, to be read only" : "Selected",
                       std::string(read_only ? imap::codes::kReadOnly : imap::codes::kReadWrite));
}

// RFC 4314 section 5.2: those that this user can change for good.
std::string ImapConversation::permanent_flags() const {
  if (selection_->read_only) return {};
  const store::Rights mine = rights();
  const bool writes = mine.has(store::Right::write);
  std::vector<std::string_view> keywords;
  if (writes)
    for (const std::string& name : selection_->mailbox()->keywords()) keywords.emplace_back(name);
  std::string names;
  imap::append_flags(to_imap(changeable_flags(mine)), keywords, names);
  if (writes) names += " \\*";
  return names;
}

void ImapConversation::tell_selected(const MailboxPath& path) {
  const store::Mailbox& mailbox = *selection_->mailbox();
  const imap::Dialect& dialect = session_.dialect();
  auto respond = session_.respond();
  const auto note = [&](const std::string& code, std::string_view text) {
    respond.status({imap::Condition::ok, code, text});
  };
  respond.flags(selection_->flag_names());
  const std::string permanent = permanent_flags();
  note(imap::codes::permanent_flags(permanent), permanent.empty() ? "No flag can be changed" : "What stays");
  respond.exists(static_cast<std::uint32_t>(selection_->view().exists()));
  respond.recent(selection_->recent());
  if (const auto unseen = mailbox.first_unseen(); unseen && dialect.tells_first_unseen())
    note(imap::codes::unseen(static_cast<std::uint32_t>(*unseen + 1)), "The first unseen message");
  note(imap::codes::uid_validity(mailbox.uid_validity()), "UIDs are valid");
  note(imap::codes::uid_next(mailbox.uid_next().value), "The next UID");
  tell_highest_mod_sequence();
  note(imap::codes::mailbox_id(store::object_id(mail_->id(), mailbox.id())), "For ever");
  if (dialect.list_at_select()) {
    imap::ListEntry entry;
    const std::string name = path.shown(mailbox.name());
    entry.name = name;
    respond.list(entry);
  }
}

void ImapConversation::tell_highest_mod_sequence() {
  const std::string code = imap::codes::highest_mod_sequence(selection_->told_modseq().value);
  session_.respond().status({imap::Condition::ok, code, "The highest mod-sequence"});
}

// RFC 7162 section 3.2.5.2: what has gone since, then the flags that have changed.
void ImapConversation::tell_since(const imap::Qresync& known) {
  const store::Mailbox& mailbox = *selection_->mailbox();
  const store::ModSeq since{known.mod_sequence};
  const store::UidSet among = known.known_uids ? to_store(*known.known_uids) : store::UidSet::all();
  session_.respond().vanished(to_imap(mailbox.vanished(since, among)), true);
  selection_->for_each(among, [&](const store::Message& message) {
    if (message.modseq > since) selection_->tell_flags(session_.respond(), session_.dialect(), message, true);
  });
}

Task<Answer> ImapConversation::run(imap::Close&) {
  if (has_selection() && !selection_->read_only && rights().has(store::Right::expunge)) {
    const store::MailboxId box = selection_->mailbox()->id();
    store::May may = still_has(store::Right::expunge);
    selection_.reset();  // nothing is told of what goes
    auto gone = co_await mail_->expunge(box, store::UidSet::all(), true, std::move(may));
    // Who may not expunge it any more closes it as who never might: nothing goes.
    const store::Refused why = gone ? store::Refused::none : gone.error().why;
    if (!gone && why != store::Refused::not_allowed && why != store::Refused::no_mailbox)
      co_return Answer::refused(gone.error());
  }
  selection_.reset();
  co_return Answer::ok("Closed");
}

Task<Answer> ImapConversation::run(imap::Unselect&) {
  selection_.reset();
  co_return Answer::ok();
}

}  // namespace ringpost::access
