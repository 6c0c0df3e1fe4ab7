// Mail that ends on this host: into mailboxes by way of Local, on to where an alias sends it, or nowhere at all.
#include <optional>

#include "ringpost/deliver/limits.hpp"
#include "ringpost/mail/header.hpp"
#include "ringpost/mail/received.hpp"
#include "ringpost/mail/xtext.hpp"
#include "ringpost/scan/find.hpp"

#include "service_state.hpp"

namespace ringpost::deliver {

namespace {

Results::Part part_of(Job& job, Found found, const mail::Reply& reply) {
  return {&job, for_all(job.recipients.view(), found, reply)};
}

// What a delivery here has come to, all that goes elsewhere being durable.
Results::Part end_of(Job& job, const LocalResult& result) {
  if (result.kind == LocalResult::Kind::deferred) return part_of(job, Found::deferred, result.reply);
  if (result.reply.permanent()) return part_of(job, Found::failed, result.reply);
  if (result.forward.empty() && result.kind != LocalResult::Kind::lmtp)
    return part_of(job, Found::delivered, result.reply);
  return part_of(job, Found::delivered, our_word({2, 0, 0}, "forwarded"));
}

std::vector<Results::Part> only(Results::Part part) {
  std::vector<Results::Part> parts;
  parts.push_back(std::move(part));
  return parts;
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
  const std::shared_ptr<const Settings> settings = parts.settings;
  Attempt attempt{.route = job.destination->route.name, .success = mail::DsnAction::delivered};
  const auto loaded = co_await parts.spool->load(id);
  if (!loaded) co_return results.settle_unreadable(job, loaded.error());
  if (job.destination->route.via == Via::discard) {
    attempt.remote = "discard";
    co_return co_await results.settle(only(part_of(job, Found::delivered, our_word({2, 0, 0}, "discarded"))),
                                      *loaded, attempt, settings);
  }
  const auto body = co_await parts.spool->body(id);
  if (!body) co_return results.settle_unreadable(job, body.error());
  if (job.finished == nullptr) job.finished = std::make_unique<std::vector<std::string>>();
  const mail::Recipient recipient = loaded->envelope.recipient(job.recipients.view().front());
  const auto original = mail::parse_orcpt(recipient.original_recipient);
  const LocalResult result = co_await parts.local->deliver(
      {.id = id,
       .recipient = recipient.address,
       .reverse_path = loaded->envelope.reverse_path(),
       .original_recipient = original ? std::string_view(original->address) : "",
       .body = body->pieces(),
       .finished = job.finished.get()});
  attempt.remote = result.target;
  const bool by_lmtp = result.kind == LocalResult::Kind::lmtp;
  const bool renamed = by_lmtp && result.lmtp_recipient != recipient.address;
  std::vector<std::string> onward = result.forward;
  // A mailbox by another name than the recipient's: a message of its own says that name to the LMTP server.
  if (renamed) onward.push_back(result.lmtp_recipient);
  if (!onward.empty()) {
    if (const auto trouble = co_await forward(job, *loaded, *body, onward))
      co_return co_await results.settle(only(part_of(job, trouble->found, trouble->reply)), *loaded, attempt,
                                        settings);
    mark_forwarded(onward, *job.finished);
    attempt.success = mail::DsnAction::expanded;
    attempt.next_hop_reports = onward.size() == 1;  // the request went on with the mail
  }
  if (by_lmtp && !renamed && !result.reply.permanent()) {
    const auto route = lmtp_route(result.lmtp_server);
    if (route) {
      queue.move(job, queue.destination(*route, {}, {}));
      co_return queue.make_ready(job);
    }
    const mail::Reply reply = our_word({4, 3, 5}, route.error().text);
    co_return co_await results.settle(only(part_of(job, Found::deferred, reply)), *loaded, attempt, settings);
  }
  co_await results.settle(only(end_of(job, result)), *loaded, attempt, settings);
}

// The new message is durable before the old recipient is done; what stopped it, if anything did. Delivered-To makes a
// circle of aliases end.
Task<std::optional<Finding>> Service::State::forward(Job& job, const spool::Spool::Loaded& loaded,
                                                     const spool::Body& body,
                                                     const std::vector<std::string>& targets) {
  const mail::Recipient recipient = loaded.envelope.recipient(job.recipients.view().front());
  const auto head = co_await parts.spool->head(job.message.id, kLoopHeaderMax);
  if (!head) co_return Finding{.found = Found::deferred, .reply = our_word({4, 3, 0}, head.error().text)};
  std::string front;
  for (const auto& piece : head->pieces()) front += scan::as_text(piece);
  if (mail::delivered_to_before(front, recipient.address))
    co_return Finding{
        .found = Found::failed,
        .reply = our_word({5, 4, 6}, "the mail goes in circles: it has been delivered here before")};
  std::string delivered_to;
  mail::append_delivered_to(recipient.address, delivered_to);
  std::vector<std::span<const std::byte>> pieces{std::as_bytes(std::span(delivered_to))};
  pieces.insert(pieces.end(), body.pieces().begin(), body.pieces().end());
  const mail::Envelope envelope = forward_envelope(loaded.envelope, recipient, targets);
  const intake::Verdict verdict =
      co_await parts.intake->take(pieces, {.listener = "forward", .protocol_override = "local"}, envelope);
  if (verdict.refusal)
    co_return Finding{.found = verdict.refusal->permanent() ? Found::failed : Found::deferred,
                      .reply = *verdict.refusal};
  figures.forwarded.add();
  co_return std::nullopt;
}

}  // namespace ringpost::deliver
