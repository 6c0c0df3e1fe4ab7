#include "imap_conversation.hpp"

#include <fmt/format.h>

#include "ringpost/shard/await.hpp"

namespace ringpost::access {

ImapConversation::ImapConversation(Service& service, std::shared_ptr<const Snapshot> snapshot,
                                   std::size_t index, net::Connection& connection)
    : SessionConversation(
          service, snapshot, index, connection,
          imap::ServerSession(snapshot->listeners[index].imap, snapshot->listeners[index].implicit_tls)),
      reach_(*service.parts().store, user_, listening_.imap.capabilities.has(imap::Capability::acl)) {}

void ImapConversation::begin(std::shared_ptr<store::UserMail> mail) {
  home_ = std::move(mail);
  session_.accept_auth(login_);
}

void ImapConversation::greet_known(std::shared_ptr<store::UserMail> mail) {
  home_ = std::move(mail);
  session_.greet_known(login_);
}

// The command that asked for this place: it is here now.
Task<bool> ImapConversation::go_on() {
  store::Store& store = reach_.store();
  if (store.owner(store::user_id_of(user_)) == service_.core().index())
    if (auto mail = co_await store.open(user_)) home_ = std::move(*mail);
  co_return co_await answer_command();
}

Task<void> ImapConversation::leave() {
  co_await forget_append();
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
  if (session_.in_idle() && !notifying_) tell_news(true);
  idling_ = session_.in_idle();
  awaits_news_ = idling_ || notifying_ != nullptr;
}

Task<bool> ImapConversation::answer(imap::Event event) {
  switch (event.kind) {
    case Kind::command:
      co_return co_await answer_command();
    case Kind::idle_done:
      co_await tell_what_happened(true);
      finish(Answer::ok("IDLE is over"));
      break;
    case Kind::append:
      co_await begin_append();
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
      co_await forget_append();
      break;
    case Kind::unauthenticated:
      co_await forget_user();
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
Task<void> ImapConversation::forget_user() {
  co_await forget_append();
  notifying_.reset();
  fresh_.clear();
  selection_.reset();
  mail_.reset();
  home_.reset();
  user_.clear();
  login_.clear();
}

// IDLE is answered when the client has said DONE.
Task<bool> ImapConversation::answer_command() {
  if (std::holds_alternative<imap::Idle>(session_.command())) {
    co_await tell_what_happened(true);
    co_return true;
  }
  notice_gone();
  if (session_.condstore_just_enabled() && has_selection()) tell_highest_mod_sequence();
  const bool expunges = imap::allows_expunge(session_.command());
  const Answer answer = co_await execute();
  if (destination() || connection_.aborted()) co_return false;
  if (notifying_)
    co_await tell_what_happened(expunges);
  else
    tell_news(expunges);
  if (connection_.aborted()) co_return false;
  finish(answer);
  co_return true;
}

Task<Answer> ImapConversation::execute() {
  co_return co_await std::visit([this](auto& command) { return run(command); }, session_.command());
}

void ImapConversation::finish(const Answer& answer) {
  session_.finish({answer.condition, answer.code, answer.text});
}

void ImapConversation::tell_news(bool expunges, const store::UidSet& known, bool own) {
  if (!has_selection()) return;
  const Notices::OfSelected wanted =
      notifying_ ? notifying_->notices.of_selected() : Notices::OfSelected{.messages = true, .flags = true};
  if (!wanted.messages && !own) return;
  const store::Uid first_new = selection_->view().end();
  selection_->tell(session_.respond(), session_.dialect(),
                   {.expunges = expunges, .flags = wanted.flags, .uids = notifying_ != nullptr}, known);
  if (notifying_ && !notifying_->notices.fetch().empty()) note_fresh(first_new);
  own_ = {};
}

// Messages that this client has not made itself.
void ImapConversation::note_fresh(store::Uid first_new) {
  const store::UidSet fresh({first_new, {~0U}});
  selection_->for_each(fresh, [this](const store::Message& message) {
    if (!own_.contains(message.uid)) fresh_.push_back(message.uid);
  });
}

store::Rights ImapConversation::rights() const {
  return rights_of(*mail_, selection_->mailbox()->id(), user_);
}

store::May ImapConversation::still_has(store::Rights needed) const {
  return still_may(*mail_, selection_->mailbox()->id(), needed | store::Right::read, user_);
}

// Another session has deleted the mailbox, or its owner lets this user read it no more.
void ImapConversation::notice_gone() {
  if (!selection_ || has_selection()) return;
  if (session_.decision_pending() && !session_.in_idle()) return;
  selection_.reset();
  session_.deselect();
}

void ImapConversation::changed() {
  if (awaits_news_) connection_.nudge();
}

Task<bool> ImapConversation::relieve(std::size_t& steps) {
  if (session_.output().size() >= kOutputMax && !co_await send()) co_return false;
  if (++steps % kMessagesPerTurn == 0) co_await shard::Yield{service_.core()};
  co_return !connection_.aborted();
}

// ---- what needs no mailbox

Task<Answer> ImapConversation::run(imap::Noop&) {
  co_return Answer::ok();
}

Task<Answer> ImapConversation::run(imap::Check&) {
  co_return Answer::ok();
}

Task<Answer> ImapConversation::run(imap::Idle&) {
  co_return Answer::ok();
}

}  // namespace ringpost::access
