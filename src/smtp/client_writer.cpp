// What a transaction writes, and when.
//
// A pipelining peer gets RSET, MAIL, RCPT ... and DATA or BDAT in one group; any other one command at a time.
// Only the last transaction may still be writing, because its body goes before the next one's MAIL.
#include <algorithm>

#include <fmt/format.h>

#include "ringpost/base/assert.hpp"
#include "ringpost/smtp/client_session.hpp"
#include "ringpost/smtp/replies.hpp"

namespace ringpost::smtp {
namespace {

constexpr FixedReply kPeerSizeLimit{552, {5, 3, 4}, "The message is larger than the next host takes"};
constexpr FixedReply kPeerNoUtf8{550, {5, 6, 7}, "The next host does not take internationalised addresses"};
constexpr FixedReply kPeerNoBinary{554, {5, 6, 1}, "The next host does not take binary content"};
constexpr FixedReply kUnsendable{553, {5, 1, 3}, "The address cannot be sent"};

// A path that would end its own command line. None gets this far through the parsers; one that did would inject.
bool sendable(std::string_view address) {
  return std::ranges::none_of(address,
                              [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; });
}

}  // namespace

std::optional<mail::Reply> ClientSession::unfit(const Outgoing& message) const {
  const mail::Envelope& envelope = *message.envelope;
  const std::uint64_t size_max = capabilities_.size_max;
  if (size_max != 0 && message.body_bytes > size_max) return kPeerSizeLimit;
  if (envelope.smtputf8 && !capabilities_.smtputf8) return kPeerNoUtf8;
  const bool binary = envelope.body == mail::BodyKind::binary_mime;
  if (binary && !(capabilities_.binarymime && chunks())) return kPeerNoBinary;
  bool good = sendable(envelope.reverse_path());
  for (std::uint32_t i = 0; good && i < message.recipient_count(); ++i) {
    good = sendable(envelope.recipient(message.recipient(i)).address);
  }
  return good ? std::nullopt : std::optional<mail::Reply>(kUnsendable);
}

bool ClientSession::can_begin() const {
  if (phase_ != Phase::ready || lost_) return false;
  if (transactions_.empty()) return expected_.empty() || pipelines();
  return pipelines() && transactions_.back().body == BodyStep::sent &&
         transactions_.size() < kTransactionsInFlightMax && commands_in_flight_ < kPipelinedCommandsMax / 2;
}

std::uint32_t ClientSession::begin(const Outgoing& message) {
  RP_ASSERT(can_begin());
  Transaction transaction;
  transaction.message = message;
  transaction.number = next_transaction_++;
  RP_ASSERT(transaction.message.recipient_count() > 0);
  if (must_reset()) {
    output_ += "RSET\r\n";
    expect(Expect::rset);
    needs_reset_ = false;
  }
  transactions_.push_back(std::move(transaction));
  write_more();
  return transactions_.back().number;
}

// A transaction that ended without a body is still open at the peer. One whose recipients are not known yet may end so.
bool ClientSession::must_reset() const {
  const auto doubtful = [](const Transaction& t) { return t.failed.has_value() || t.accepted == 0; };
  return needs_reset_ || std::ranges::any_of(transactions_, doubtful);
}

void ClientSession::write_more() {
  if (transactions_.empty()) return;
  Transaction& transaction = transactions_.back();
  while (may_write() && write_step(transaction)) {
  }
}

bool ClientSession::may_write() const {
  return expected_.empty() || (pipelines() && commands_in_flight_ < kPipelinedCommandsMax);
}

// Writes the next command of the transaction; false when there is none to write now.
bool ClientSession::write_step(Transaction& transaction) {
  if (transaction.body != BodyStep::waiting) return false;
  if (!transaction.mail_written) {
    write_mail(transaction);
    transaction.mail_written = true;
    return true;
  }
  // Without pipelining a refused MAIL ends it here; with it, what is not written yet need not be.
  if (transaction.failed) return false;
  if (transaction.written < transaction.message.recipient_count()) {
    write_rcpt(transaction);
    return true;
  }
  return write_body_command(transaction);
}

void ClientSession::write_mail(const Transaction& transaction) {
  const mail::Envelope& envelope = *transaction.message.envelope;
  auto out = std::back_inserter(output_);
  fmt::format_to(out, "MAIL FROM:<{}>", envelope.reverse_path());
  if (capabilities_.size && transaction.message.body_bytes != 0) {
    fmt::format_to(out, " SIZE={}", transaction.message.body_bytes);
  }
  const bool binary = envelope.body == mail::BodyKind::binary_mime;
  const bool eight_bit = envelope.body == mail::BodyKind::eight_bit_mime && capabilities_.eightbitmime;
  if (binary || eight_bit) fmt::format_to(out, " BODY={}", mail::to_string(envelope.body));
  if (envelope.smtputf8) output_ += " SMTPUTF8";
  if (capabilities_.dsn) {
    if (envelope.dsn_return == mail::DsnReturn::full) output_ += " RET=FULL";
    if (envelope.dsn_return == mail::DsnReturn::headers) output_ += " RET=HDRS";
    if (!envelope.envid().empty()) fmt::format_to(out, " ENVID={}", envelope.envid());
  }
  output_ += "\r\n";
  expect(Expect::mail);
}

void ClientSession::write_rcpt(Transaction& transaction) {
  const mail::Recipient recipient =
      transaction.message.envelope->recipient(transaction.message.recipient(transaction.written++));
  auto out = std::back_inserter(output_);
  fmt::format_to(out, "RCPT TO:<{}>", recipient.address);
  if (capabilities_.dsn) {
    if (recipient.notify.given()) {
      output_ += " NOTIFY=";
      mail::append_notify(recipient.notify, output_);
    }
    if (!recipient.original_recipient.empty()) fmt::format_to(out, " ORCPT={}", recipient.original_recipient);
  }
  output_ += "\r\n";
  expect(Expect::rcpt);
}

bool ClientSession::eager(const Transaction& transaction) const {
  return transaction.message.timing == BodyTiming::with_envelope && chunks() && pipelines();
}

bool ClientSession::write_body_command(Transaction& transaction) {
  if (transaction.data_written) return false;
  const bool all_answered = transaction.answered == transaction.message.recipient_count();
  if (chunks()) {
    const bool may_send = eager(transaction) || (all_answered && transaction.accepted > 0);
    if (!may_send) return false;
    fmt::format_to(std::back_inserter(output_), "BDAT {} LAST\r\n", transaction.message.body_bytes);
    expect(Expect::body);
    transaction.body = BodyStep::wanted;
    body_announced_ = true;
  } else {
    if (all_answered && transaction.accepted == 0) return false;
    output_ += "DATA\r\n";
    expect(Expect::data);
  }
  transaction.data_written = true;
  return true;
}

BodyForm ClientSession::body_form() const {
  RP_ASSERT(!transactions_.empty());
  return {chunks(), transactions_.back().message.body_bytes};
}

void ClientSession::body_sent() {
  RP_ASSERT(!transactions_.empty() && transactions_.back().body == BodyStep::wanted);
  transactions_.back().body = BodyStep::sent;
}

}  // namespace ringpost::smtp
