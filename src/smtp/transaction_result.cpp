#include "ringpost/smtp/transaction_result.hpp"

namespace ringpost::smtp {

void TransactionResult::start() {
  own_.clear();
  overall_ = {};
  stage_ = ClientEvent::Stage::mail;
  finished_ = false;
}

void TransactionResult::note(const ClientEvent& event, const mail::Reply& reply) {
  switch (event.kind) {
    case ClientEvent::Kind::recipient:
      if (!reply.completed()) own_.push_back({event.recipient, reply});
      break;
    case ClientEvent::Kind::recipient_final:
      own_.push_back({event.recipient, reply});
      break;
    case ClientEvent::Kind::finished:
    case ClientEvent::Kind::closed:
      if (finished_) break;
      stage_ = event.stage;
      overall_ = reply;
      finished_ = true;
      break;
    default:
      break;
  }
}

const mail::Reply& TransactionResult::of(std::uint32_t recipient) const {
  for (const OwnReply& own : own_) {
    if (own.recipient == recipient) return own.reply;
  }
  return overall_;
}

}  // namespace ringpost::smtp
