#include "imap_conversation.hpp"

#include <fmt/format.h>

#include "ringpost/shard/await.hpp"

namespace ringpost::access {

ImapConversation::ImapConversation(Service& service, std::shared_ptr<const Snapshot> snapshot,
                                   std::size_t index, net::Connection& connection)
    : SessionConversation(
          service, snapshot, index, connection,
          imap::ServerSession(snapshot->listeners[index].imap, snapshot->listeners[index].implicit_tls)) {}

ImapConversation::Answer ImapConversation::Answer::refused(const store::Failure& failure,
                                                           std::string_view no_mailbox) {
  const Response response = refusal(failure, no_mailbox);
  return {response.condition, std::string(response.code), std::string(response.text)};
}

void ImapConversation::begin(std::shared_ptr<store::UserMail> mail) {
  mail_ = std::move(mail);
  session_.accept_auth(login_);
}

void ImapConversation::greet_known(std::shared_ptr<store::UserMail> mail) {
  mail_ = std::move(mail);
  session_.greet_known(login_);
}

bool ImapConversation::logged_in() const {
  return session_.state() == imap::State::authenticated || session_.state() == imap::State::selected;
}

// ---- what the session asks

void ImapConversation::take_bytes(const imap::Event& event) {
  if (event.kind == Kind::append_bytes) stage(event.bytes);
}

std::size_t ImapConversation::mail_in(const imap::Event& event) const {
  return event.kind == Kind::append_bytes ? event.bytes.size() : 0;
}

void ImapConversation::before_wait() {
  notice_gone();
  if (session_.in_idle()) tell_news(true);
  idling_ = session_.in_idle();
}

Task<bool> ImapConversation::answer(imap::Event event) {
  switch (event.kind) {
    case Kind::command:
      co_return co_await answer_command();
    case Kind::idle_done:
      tell_news(true);
      finish(Answer::ok("IDLE is over"));
      break;
    case Kind::append:
      begin_append();
      break;
    case Kind::append_bytes:
      co_await store_staged();
      break;
    case Kind::append_message_end:
      co_await end_staged();
      break;
    case Kind::append_end:
      co_await finish_append();
      break;
    case Kind::append_abort:
      forget_append();
      break;
    case Kind::unauthenticated:
      forget_user();
      break;
    case Kind::logout:
      service_.figures().protocol_errors.add(session_.protocol_errors());
      (void)co_await send();
      co_return false;
    case Kind::start_compression:
      if (!co_await send()) co_return false;
      connection_.start_compression();
      session_.compression_started();
      break;
    default:
      break;
  }
  co_return true;
}

// RFC 8437: who logs in next has nothing of who was here before.
void ImapConversation::forget_user() {
  forget_append();
  selection_.reset();
  mail_.reset();
  user_.clear();
  login_.clear();
}

// IDLE is answered when the client has said DONE.
Task<bool> ImapConversation::answer_command() {
  if (std::holds_alternative<imap::Idle>(session_.command())) {
    tell_news(true);
    co_return true;
  }
  notice_gone();
  if (session_.condstore_just_enabled() && has_selection()) tell_highest_mod_sequence();
  const bool expunges = imap::allows_expunge(session_.command());
  const Answer answer = co_await execute();
  if (connection_.aborted()) co_return false;
  tell_news(expunges);
  finish(answer);
  co_return true;
}

Task<ImapConversation::Answer> ImapConversation::execute() {
  co_return co_await std::visit([this](auto& command) { return run(command); }, session_.command());
}

void ImapConversation::finish(const Answer& answer) {
  session_.finish({answer.condition, answer.code, answer.text});
}

void ImapConversation::tell_news(bool expunges, const store::UidSet& known) {
  if (has_selection()) selection_->tell(session_.respond(), session_.dialect(), expunges, known);
}

// Another session has deleted the mailbox.
void ImapConversation::notice_gone() {
  if (!selection_ || selection_->mailbox() != nullptr || session_.decision_pending()) return;
  selection_.reset();
  session_.deselect();
}

void ImapConversation::changed() {
  if (idling_) connection_.nudge();
}

Task<bool> ImapConversation::relieve(std::size_t& steps) {
  if (session_.output().size() >= kOutputMax && !co_await send()) co_return false;
  if (++steps % kMessagesPerTurn == 0) co_await shard::Yield{service_.core()};
  co_return !connection_.aborted();
}

// ---- what needs no mailbox

Task<ImapConversation::Answer> ImapConversation::run(imap::Noop&) {
  co_return Answer::ok();
}

Task<ImapConversation::Answer> ImapConversation::run(imap::Check&) {
  co_return Answer::ok();
}

Task<ImapConversation::Answer> ImapConversation::run(imap::Idle&) {
  co_return Answer::ok();
}

Task<ImapConversation::Answer> ImapConversation::run(imap::Namespace&) {
  session_.respond().namespaces("", '/');
  co_return Answer::ok();
}

// ---- the selection

Task<ImapConversation::Answer> ImapConversation::run(imap::Select& command) {
  selection_.reset();
  const store::Mailbox* mailbox = mail_->find(command.mailbox);
  if (mailbox == nullptr) co_return Answer::no(imap::codes::kNonExistent, "There is no such mailbox");
  selection_.emplace(*mail_, *mailbox, command.read_only, static_cast<store::Listener&>(*this));
  tell_selected(command);
  if (command.qresync && command.qresync->uid_validity == mailbox->uid_validity())
    tell_since(*command.qresync);
  co_return Answer::ok(command.read_only ? "Selected, to be read only" : "Selected",
                       std::string(command.read_only ? imap::codes::kReadOnly : imap::codes::kReadWrite));
}

void ImapConversation::tell_selected(const imap::Select& command) {
  const store::Mailbox& mailbox = *selection_->mailbox();
  const imap::Dialect& dialect = session_.dialect();
  auto respond = session_.respond();
  const auto note = [&](const std::string& code, std::string_view text) {
    respond.status({imap::Condition::ok, code, text});
  };
  const std::string flags = selection_->flag_names();
  respond.flags(flags);
  note(imap::codes::permanent_flags(command.read_only ? "" : flags + " \\*"),
       command.read_only ? "No flag can be changed" : "What stays");
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
    entry.name = mailbox.name();
    respond.list(entry);
  }
}

void ImapConversation::tell_highest_mod_sequence() {
  const std::string code = imap::codes::highest_mod_sequence(selection_->mailbox()->highest_modseq().value);
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

Task<ImapConversation::Answer> ImapConversation::run(imap::Close&) {
  if (has_selection() && !selection_->read_only) {
    const store::MailboxId box = selection_->mailbox()->id();
    selection_.reset();  // nothing is told of what goes
    if (auto gone = co_await mail_->expunge(box, store::UidSet::all()); !gone)
      co_return Answer::refused(gone.error());
  }
  selection_.reset();
  co_return Answer::ok("Closed");
}

Task<ImapConversation::Answer> ImapConversation::run(imap::Unselect&) {
  selection_.reset();
  co_return Answer::ok();
}

}  // namespace ringpost::access
