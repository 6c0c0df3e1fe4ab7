// One message over an open connection.
#include <algorithm>

#include <fmt/format.h>

#include "ringpost/base/assert.hpp"
#include "ringpost/deliver/limits.hpp"

#include "service_state.hpp"

namespace ringpost::deliver {

using Kind = smtp::ClientEvent::Kind;

namespace {

constexpr int kTooManyRecipients = 452;

// The envelope with another address for one recipient, in its place, and perhaps another sender.
void copy_for_lmtp(const mail::EnvelopeRecord& record, std::uint32_t index, const LocalProgress& local,
                   mail::Envelope& to) {
  mail::Envelope whole;
  record.copy_to(whole);
  record.copy_to(to);
  if (!local.lmtp_sender.empty()) to.set_reverse_path(local.lmtp_sender);
  to.truncate_recipients(index);
  for (std::size_t i = index; i < whole.recipient_count(); ++i) {
    mail::Recipient recipient = whole.recipient(i);
    if (i == index) recipient.address = local.lmtp_recipient;
    to.add_recipient(recipient);
  }
}

}  // namespace

Attempt Flow::attempt() const {
  return {
      .route = destination_.route.name,
      .remote = remote_,
      .remote_host = host_,
      .tls = tls_,
      .next_hop_reports = session_->capabilities().dsn,
      .success = destination_.route.via == Via::lmtp ? mail::DsnAction::delivered : mail::DsnAction::relayed};
}

Task<void> Flow::transact(Job& job) {
  ++messages_;
  service_.figures.messages.add();
  const MessageId id = job.message.id;
  const auto loaded = co_await service_.parts.spool->load(id);
  if (!loaded) {
    service_.results.settle_unreadable(job, loaded.error());
    co_return;
  }
  // Before the first word: a message that cannot be read must not begin to be sent.
  auto first = loaded->envelope.facts().body.size <= kBodyWholeMax
                   ? co_await service_.parts.spool->body(id)
                   : co_await service_.parts.spool->part(id, 0, kBodyPart);
  if (!first) {
    service_.results.settle_unreadable(job, first.error());
    co_return;
  }
  service_.figures.bytes.add(loaded->envelope.facts().body.size);
  std::vector<Finding> findings = co_await talk(job, *loaded, std::move(*first));
  Attempt what = attempt();
  what.counts = std::ranges::any_of(findings, [](const Finding& f) { return f.found != Found::undecided; });
  if (job.local) what.report_to = job.local->failure.code != 0 ? job.local->owner : job.local->lmtp_sender;
  std::vector<Results::Part> parts;
  parts.push_back({&job, std::move(findings)});
  co_await service_.results.settle(std::move(parts), *loaded, std::move(what), settings_);
}

Task<std::vector<Finding>> Flow::talk(Job& job, const spool::Spool::Loaded& loaded, spool::Body first) {
  const scan::BodyFacts& facts = loaded.envelope.facts().body;
  envelope_.clear();
  if (job.local)
    copy_for_lmtp(loaded.envelope, job.recipients.view().front(), *job.local, envelope_);
  else
    loaded.envelope.copy_to(envelope_);
  // One recipient: either it is taken or the body was in vain, so everything goes in one packet.
  const bool eager = job.recipients.size() == 1;
  const smtp::Outgoing outgoing{
      .envelope = &envelope_,
      .recipients = job.recipients.view(),
      .body_bytes = facts.size,
      .timing = eager ? smtp::BodyTiming::with_envelope : smtp::BodyTiming::after_recipients};
  if (const auto unfit = session_->unfit(outgoing))
    co_return for_all(outgoing.recipients, Found::failed, *unfit);

  transaction_since_ = core_.now();
  give_up_at_ = job.message.answer_due;
  lost_ = {};
  died_ = false;
  result_.start();
  session_->begin(outgoing);
  bool body_sent = false;
  while (!result_.finished()) {
    const smtp::ClientEvent event =
        co_await next_event(body_sent ? settings_->deliver.data_timeout : settings_->deliver.command_timeout);
    result_.note(event, session_->reply());
    died_ = event.kind == Kind::closed;
    if (event.kind != Kind::send_body) continue;
    // Between its 354 and our final dot the server has nothing to say, and a 250 that is here already is no promise.
    const bool too_early = !session_->body_form().chunked && !connection_->input().empty();
    body_sent = !too_early;
    if (!too_early && co_await send_body(job.message.id, facts, first))
      session_->body_sent();
    else
      session_->lost_connection();
  }
  transaction_since_ = {};
  // A reply that had come before the connection died ends a transaction, and the session has not seen the end yet.
  over_ = !session_->can_begin();
  if (died_) service_.figures.lost.add();
  co_return conclude(job, body_sent);
}

// When the connection died before the body began on a connection that had served before, the server may just have tired
// of us: nothing was tried then. After the body, nobody knows: the mail may arrive twice.
std::vector<Finding> Flow::conclude(const Job& job, bool body_sent) const {
  std::vector<Finding> findings;
  findings.reserve(job.recipients.size());
  const bool untried = aborted_ || (!body_sent && messages_ > 1 && !job.requeued);
  bool some_delivered = false;
  for (const std::uint32_t recipient : job.recipients.view()) {
    const mail::Reply& reply = result_.of(recipient);
    const bool decided = !died_ || &reply != &result_.overall();
    Finding finding = judge(recipient, !decided && !lost_.text.empty() ? lost_ : reply);
    if (!decided) finding.found = untried ? Found::undecided : Found::deferred;  // a goodbye is no verdict
    some_delivered = some_delivered || finding.found == Found::delivered;
    if (finding.found == Found::delivered && job.local && job.local->failure.code != 0)
      finding = judge(recipient, job.local->failure);  // this target has it, another never will
    findings.push_back(std::move(finding));
  }
  // RFC 5321 section 4.5.3.1.10: "too many recipients" is for another transaction right away, if this one got anywhere.
  for (Finding& finding : findings)
    if (some_delivered && finding.found == Found::deferred && finding.reply.code == kTooManyRecipients)
      finding.found = Found::undecided;
  return findings;
}

// ---- the body

Task<bool> Flow::send_body(MessageId id, const scan::BodyFacts& facts, const spool::Body& first) {
  stuffer_.reset();
  pieces_.clear();
  if (!co_await send_part(first, 0, facts)) co_return false;
  spool::Body last;  // its pieces leave with the final dot
  for (std::uint64_t offset = first.size(); offset < facts.size;) {
    auto part = co_await service_.parts.spool->part(id, offset, kBodyPart);
    if (!part || part->size() == 0) {
      lost_ = our_word({4, 3, 0}, part ? "the message is shorter than it should be" : part.error().text);
      co_return false;
    }
    last = std::move(*part);
    if (!co_await send_part(last, offset, facts)) co_return false;
    offset += last.size();
  }
  if (session_->body_form().chunked) co_return true;
  pieces_.push_back(stuffer_.finish());
  const bool sent = co_await send_output(deadline(settings_->deliver.data_timeout), pieces_);
  pieces_.clear();
  co_return sent;
}

Task<bool> Flow::send_part(const spool::Body& part, std::uint64_t offset, const scan::BodyFacts& facts) {
  if (session_->body_form().chunked)
    co_return co_await send_output(deadline(settings_->deliver.data_timeout), part.pieces());
  for (const std::span<const std::byte> slice : part.pieces()) {
    if (!co_await send_stuffed(slice, offset, facts)) co_return false;
    offset += slice.size();
  }
  // The last pieces of the last part leave with the final dot; those of others before their memory goes.
  if (offset == facts.size) co_return true;
  const bool sent = co_await send_output(deadline(settings_->deliver.data_timeout), pieces_);
  pieces_.clear();
  co_return sent;
}

Task<bool> Flow::send_stuffed(std::span<const std::byte> slice, std::uint64_t offset,
                              const scan::BodyFacts& facts) {
  while (!slice.empty()) {
    const std::size_t before = pieces_.size();
    pieces_.resize(kStuffedPiecesMax);
    const std::span<scan::DotStuffer::Piece> room = std::span(pieces_).subspan(before);
    const auto step = facts.dots_overflow ? stuffer_.scan(slice, room)
                                          : stuffer_.known(slice, offset, facts.known_dots(), room);
    pieces_.resize(before + step.pieces);
    slice = slice.subspan(step.consumed);
    offset += step.consumed;
    if (pieces_.size() < kStuffedPiecesMax) continue;
    if (!co_await send_output(deadline(settings_->deliver.data_timeout), pieces_)) co_return false;
    pieces_.clear();
  }
  co_return true;
}

}  // namespace ringpost::deliver
