// Mail that ends on this host: into mailboxes by way of Local, on to where an alias sends it, or nowhere at all.
#include <fmt/format.h>

#include "ringpost/deliver/limits.hpp"
#include "ringpost/mail/header.hpp"
#include "ringpost/mail/received.hpp"
#include "ringpost/mail/xtext.hpp"
#include "ringpost/scan/find.hpp"

#include "service_state.hpp"

namespace ringpost::deliver {

namespace {

// What the sender wrote before anything was rewritten.
std::string original_address(const mail::Recipient& recipient) {
  const auto original = mail::parse_orcpt(recipient.original_recipient);
  return original && original->type == "rfc822" ? original->address : std::string{};
}

// Who gets a report when the mail goes on under other names (RFC 3461 section 5.2.7.1): with one new address it is the same
// request, with several it is not passed on but for failures.
mail::Recipient forwarded(std::string_view address, const mail::Recipient& original, bool alone) {
  mail::Recipient recipient{.address = address};
  if (alone) {
    recipient.notify = original.notify;
    recipient.original_recipient = original.original_recipient;
  } else if (original.notify.given()) {
    recipient.notify.bits = original.notify.bits & static_cast<std::uint8_t>(~mail::Notify::kSuccess);
    if (!recipient.notify.given()) recipient.notify.bits = mail::Notify::kNever;
  }
  return recipient;
}

mail::Envelope forward_envelope(const mail::EnvelopeRecord& record, const mail::Recipient& original,
                                const std::vector<std::string>& targets) {
  mail::Envelope envelope;
  envelope.body = record.body();
  envelope.body_given = record.body_given();
  envelope.smtputf8 = record.smtputf8();
  envelope.dsn_return = record.dsn_return();
  envelope.set_reverse_path(record.reverse_path());
  if (!record.envid().empty()) envelope.set_envid(record.envid());
  for (const std::string& target : targets)
    envelope.add_recipient(forwarded(target, original, targets.size() == 1));
  return envelope;
}

}  // namespace

Task<void> Service::State::serve_here(Destination& destination) {
  const bool discards = destination.route.via == Via::discard;
  while (!draining && !destination.suspended) {
    Job* job = queue.take(destination, discards ? UINT32_MAX : 1);
    if (job == nullptr) break;
    co_await deliver_here(*job);
  }
  --local_flows;
  flow_ended(destination);
}

Task<void> Service::State::deliver_here(Job& job) {
  const MessageId id = job.message.id;
  const auto loaded = co_await parts.spool->load(id);
  if (!loaded) co_return results.settle_unreadable(job, loaded.error());
  if (job.destination->route.via == Via::discard)
    co_return co_await conclude_here(job, *loaded,
                                     {.kind = LocalResult::Kind::delivered,
                                      .reply = our_word({2, 0, 0}, "discarded"),
                                      .target = "discard"},
                                     std::nullopt);
  const auto body = co_await parts.spool->body(id);
  if (!body) co_return results.settle_unreadable(job, body.error());
  const mail::Recipient recipient = loaded->envelope.recipient(job.recipients.view().front());
  const std::string original = original_address(recipient);
  if (job.local == nullptr) job.local = std::make_unique<LocalProgress>();
  LocalResult result = co_await parts.local->deliver({.id = id,
                                                      .recipient = recipient.address,
                                                      .reverse_path = loaded->envelope.reverse_path(),
                                                      .original_recipient = original,
                                                      .body = body->pieces(),
                                                      .finished = &job.local->finished});
  std::optional<mail::Reply> refusal;
  if (!result.forward.empty()) {
    refusal = co_await forward(job, *loaded, *body, result.forward);
    if (!refusal) mark_forwarded(result.forward, job.local->finished);
  }
  co_await conclude_here(job, *loaded, std::move(result), std::move(refusal));
}

// The new message is durable before the old recipient is done. Delivered-To makes a circle of aliases end.
Task<std::optional<mail::Reply>> Service::State::forward(const Job& job, const spool::Spool::Loaded& loaded,
                                                         const spool::Body& body,
                                                         const std::vector<std::string>& targets) {
  const mail::Recipient recipient = loaded.envelope.recipient(job.recipients.view().front());
  const auto head = co_await parts.spool->head(job.message.id, kLoopHeaderMax);
  if (!head) co_return our_word({4, 3, 0}, head.error().text);
  std::string front;
  for (const auto& piece : head->pieces()) front += scan::as_text(piece);
  if (mail::delivered_to_before(front, recipient.address))
    co_return mail::Reply{554, {5, 4, 6}, "The mail goes in circles: it has been delivered here before"};
  std::string delivered_to;
  mail::append_delivered_to(recipient.address, delivered_to);
  std::vector<std::span<const std::byte>> pieces{std::as_bytes(std::span(delivered_to))};
  pieces.insert(pieces.end(), body.pieces().begin(), body.pieces().end());
  const mail::Envelope envelope = forward_envelope(loaded.envelope, recipient, targets);
  const intake::Verdict verdict =
      co_await parts.intake->take(pieces, {.listener = "forward", .protocol_override = "local"}, envelope);
  if (!verdict.refusal) figures.forwarded.add();
  co_return verdict.refusal;
}

// `refusal`: why what must go on to other addresses could not.
Task<void> Service::State::conclude_here(Job& job, const spool::Spool::Loaded& loaded, LocalResult result,
                                         std::optional<mail::Reply> refusal) {
  using Kind = LocalResult::Kind;
  Attempt attempt{
      .route = job.destination->route.name, .remote = result.target, .success = mail::DsnAction::delivered};
  if (!result.forward.empty()) attempt.success = mail::DsnAction::expanded;
  attempt.next_hop_reports =
      result.kind == Kind::forwarded && result.forward.size() == 1;  // the request went with it
  Found found = result.kind == Kind::failed     ? Found::failed
                : result.kind == Kind::deferred ? Found::deferred
                                                : Found::delivered;
  mail::Reply reply = result.reply;
  if (result.kind == Kind::forwarded && reply.text.empty())
    reply = our_word({2, 0, 0}, fmt::format("sent on to {} addresses", result.forward.size()));
  if (refusal) {  // all of it comes again but for what is finished, unless there is no hope
    const bool waits = !refusal->permanent() || found == Found::deferred || result.kind == Kind::lmtp;
    found = waits ? Found::deferred : Found::failed;
    reply = std::move(*refusal);
  } else if (result.kind == Kind::lmtp) {
    const auto server = lmtp_route(result.lmtp_server);
    if (server) co_return move_to_lmtp(job, *server, std::move(result));
    found = Found::deferred;
    reply = our_word({4, 3, 5}, server.error().text);
  }
  std::vector<Results::Part> ending;
  ending.push_back({&job, for_all(job.recipients.view(), found, reply)});
  co_await results.settle(std::move(ending), loaded, std::move(attempt), parts.settings);
}

void Service::State::move_to_lmtp(Job& job, const Route& server, LocalResult result) {
  job.local->lmtp_recipient = std::move(result.lmtp_recipient);
  job.local->failure = std::move(result.reply);
  queue.move(job, queue.destination(server, {}, {}));
  queue.make_ready(job);
}

}  // namespace ringpost::deliver
