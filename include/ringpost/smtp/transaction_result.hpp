// What became of one outgoing transaction, gathered from its events.
//
// Layer:   pure value.
// Owner:   the flow that sends; start() for each transaction, note() for each event of it.
// Limits:  as many replies of their own as the transaction has recipients.
#pragma once

#include <cstdint>
#include <vector>

#include "ringpost/mail/reply.hpp"
#include "ringpost/smtp/client_session.hpp"

namespace ringpost::smtp {

class TransactionResult {
 public:
  struct OwnReply {
    std::uint32_t recipient = 0;  // index in the envelope
    mail::Reply reply;
  };

  void start();
  // Events of other transactions, and those that are not of a transaction, must not come here; `closed` may:
  // then all that is not decided has its reply.
  void note(const ClientEvent& event, const mail::Reply& reply);

  bool finished() const { return finished_; }
  ClientEvent::Stage stage() const { return stage_; }
  // What holds for all recipients without a reply of their own.
  const mail::Reply& overall() const { return overall_; }
  // RCPT refusals, and in LMTP the last word for each recipient.
  const std::vector<OwnReply>& own() const { return own_; }
  // The reply that decides for one recipient.
  const mail::Reply& of(std::uint32_t recipient) const;

 private:
  std::vector<OwnReply> own_;
  mail::Reply overall_;
  ClientEvent::Stage stage_ = ClientEvent::Stage::mail;
  bool finished_ = false;
};

}  // namespace ringpost::smtp
