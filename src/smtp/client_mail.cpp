// What each reply means for its transaction. Replies come in the order of the commands, so they are always
// for the first unfinished transaction.
#include <utility>

#include "ringpost/base/assert.hpp"
#include "ringpost/smtp/client_session.hpp"

namespace ringpost::smtp {

using Kind = ClientEvent::Kind;
using Stage = ClientEvent::Stage;

ClientSession::Transaction& ClientSession::current() {
  RP_ASSERT(!transactions_.empty());
  return transactions_.front();
}

ClientEvent ClientSession::transaction_event(Kind kind, const Transaction& transaction) const {
  ClientEvent made = event(kind);
  made.transaction = transaction.number;
  return made;
}

ClientSession::MaybeEvent ClientSession::on_mail() {
  Transaction& transaction = current();
  if (reply_.code >= 300 && reply_.code < 400) return break_off("unexpected reply to MAIL");
  transaction.mail_answered = true;
  if (!reply_.completed()) {
    transaction.failed = Stage::mail;
    transaction.failure = reply_;
  }
  write_more();
  return std::nullopt;
}

ClientSession::MaybeEvent ClientSession::on_rcpt() {
  Transaction& transaction = current();
  if (reply_.code >= 300 && reply_.code < 400) return break_off("unexpected reply to RCPT");
  const std::uint32_t recipient = transaction.message.recipient(transaction.answered++);
  // A refused MAIL has spoken for all; that the peer now says 503 to each is no news.
  if (transaction.failed) return std::nullopt;
  if (reply_.completed()) {
    ++transaction.accepted;
    if (settings_->lmtp) transaction.accepted_recipients.push_back(recipient);
  }
  write_more();
  ClientEvent made = transaction_event(Kind::recipient, transaction);
  made.recipient = recipient;
  return made;
}

ClientSession::MaybeEvent ClientSession::on_data() {
  Transaction& transaction = current();
  if (reply_.code == 354) {
    if (transaction.accepted > 0 && !transaction.failed) {
      transaction.body = BodyStep::wanted;
      expect(Expect::body);
      body_announced_ = true;
      return std::nullopt;
    }
    // RFC 2920 section 3.1: the peer wants a body that nobody gets; an empty one ends it.
    output_ += kEndOfData;
    expect(Expect::nothing_sent);
    return std::nullopt;
  }
  if (reply_.code < 400) return break_off("unexpected reply to DATA");
  needs_reset_ = true;
  if (transaction.failed) return finish_failed();
  return finish(transaction.accepted == 0 ? Stage::recipients : Stage::data);
}

// The answer to a body, or to BDAT without a transaction.
ClientSession::MaybeEvent ClientSession::on_body() {
  Transaction& transaction = current();
  if (reply_.code >= 300 && reply_.code < 400) return break_off("unexpected reply to the message");
  if (transaction.body != BodyStep::sent) {
    if (reply_.completed()) return break_off("the message was accepted before its end");
    transaction.premature = true;
  }
  ++transaction.finals;
  if (transaction.accepted == 0 || transaction.failed) {
    needs_reset_ = true;
    return transaction.failed ? finish_failed() : finish(Stage::recipients);
  }
  if (settings_->lmtp) return on_final_recipient(transaction);
  return finish(Stage::body);
}

// RFC 2033 section 4.2: one reply for each accepted recipient.
ClientSession::MaybeEvent ClientSession::on_final_recipient(Transaction& transaction) {
  ClientEvent made = transaction_event(Kind::recipient_final, transaction);
  made.recipient = transaction.accepted_recipients[transaction.finals - 1];
  if (transaction.finals < transaction.accepted) {
    // Its place in the row is the first again.
    expected_.insert(expected_.begin(), {Expect::body});
    ++commands_in_flight_;
  }
  return made;
}

// The empty body for nobody was answered. Refused or taken, no recipient has it.
ClientSession::MaybeEvent ClientSession::on_nothing_sent() {
  return current().failed ? finish_failed() : finish(Stage::recipients);
}

// Nothing of the first transaction is on its way any more.
bool ClientSession::is_done(const Transaction& transaction) const {
  if (transaction.accepted > 0 && transaction.finals == transaction.accepted) return true;  // LMTP
  if (transaction.data_written || !transaction.mail_answered) return false;
  if (transaction.answered < transaction.written) return false;
  const bool all_refused =
      transaction.accepted == 0 && transaction.written == transaction.message.recipient_count();
  return transaction.failed || all_refused;
}

// Ends a transaction whose last event has already been told.
ClientSession::MaybeEvent ClientSession::finish_when_done() {
  if (transactions_.empty() || !is_done(current())) return std::nullopt;
  Transaction& transaction = current();
  if (transaction.failed) return finish_failed();
  if (transaction.finals > 0) return finish(Stage::body);
  needs_reset_ = true;
  return finish(Stage::recipients);
}

// What is told is the reply that failed it, not the last one.
ClientEvent ClientSession::finish_failed() {
  std::swap(reply_, current().failure);
  return finish(*current().failed);
}

ClientEvent ClientSession::finish(Stage stage) {
  ClientEvent made = transaction_event(Kind::finished, transactions_.front());
  made.stage = stage;
  const bool premature = transactions_.front().premature;
  transactions_.erase(transactions_.begin());
  if (premature) reason_ = close(ClientEvent::Reason::protocol).reason;
  write_more();
  return made;
}

}  // namespace ringpost::smtp
