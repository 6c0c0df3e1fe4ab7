// Mail that ends on this host: into mailboxes by way of Local, on to where an alias sends it, or nowhere at all.
#include <fmt/format.h>

#include "ringpost/deliver/limits.hpp"
#include "ringpost/mail/header.hpp"
#include "ringpost/mail/received.hpp"
#include "ringpost/scan/find.hpp"

#include "service_state.hpp"

namespace ringpost::deliver {

namespace {

Results::Part part_of(Job& job, Found found, const mail::Reply& reply) {
  return {&job, for_all(job.recipients.view(), found, reply)};
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
  const LocalResult result = co_await parts.local->deliver(
      {.id = id,
       .recipient = loaded->envelope.recipient(job.recipients.view().front()).address,
       .reverse_path = loaded->envelope.reverse_path(),
       .body = &*body,
       .finished = job.finished.get()});
  attempt.remote = result.target;
  switch (result.kind) {
    case LocalResult::Kind::delivered:
      co_return co_await results.settle(only(part_of(job, Found::delivered, result.reply)), *loaded, attempt,
                                        settings);
    case LocalResult::Kind::deferred:
      co_return co_await results.settle(only(part_of(job, Found::deferred, result.reply)), *loaded, attempt,
                                        settings);
    case LocalResult::Kind::failed:
      co_return co_await results.settle(only(part_of(job, Found::failed, result.reply)), *loaded, attempt,
                                        settings);
    case LocalResult::Kind::forwarded:
      co_return co_await forward(job, *loaded, *body, result, attempt);
    case LocalResult::Kind::lmtp:
      break;
  }
  const auto route = lmtp_route(result.lmtp_server);
  if (!route) {
    const mail::Reply reply = our_word({4, 3, 5}, route.error().text);
    co_return co_await results.settle(only(part_of(job, Found::deferred, reply)), *loaded, attempt, settings);
  }
  queue.move(job, queue.destination(*route, {}, {}));
  queue.make_ready(job);
}

// The new message is durable before the old recipient is done. Delivered-To makes a circle of aliases end.
Task<void> Service::State::forward(Job& job, const spool::Spool::Loaded& loaded, const spool::Body& body,
                                   const LocalResult& result, Attempt attempt) {
  const std::shared_ptr<const Settings> settings = parts.settings;
  const mail::Recipient recipient = loaded.envelope.recipient(job.recipients.view().front());
  const auto head = co_await parts.spool->head(job.message.id, kLoopHeaderMax);
  if (!head) co_return results.settle_unreadable(job, head.error());
  std::string front;
  for (const auto& piece : head->pieces()) front += scan::as_text(piece);
  if (mail::delivered_to_before(front, recipient.address)) {
    const mail::Reply reply =
        our_word({5, 4, 6}, "the mail goes in circles: it has been delivered here before");
    co_return co_await results.settle(only(part_of(job, Found::failed, reply)), loaded, attempt, settings);
  }
  std::string delivered_to;
  mail::append_delivered_to(recipient.address, delivered_to);
  std::vector<std::span<const std::byte>> pieces{std::as_bytes(std::span(delivered_to))};
  pieces.insert(pieces.end(), body.pieces().begin(), body.pieces().end());
  const mail::Envelope envelope = forward_envelope(loaded.envelope, recipient, result.forward);
  const intake::Verdict verdict =
      co_await parts.intake->take(pieces, {.listener = "forward", .protocol_override = "local"}, envelope);
  if (verdict.refusal) {
    const Found found = verdict.refusal->permanent() ? Found::failed : Found::deferred;
    co_return co_await results.settle(only(part_of(job, found, *verdict.refusal)), loaded, attempt, settings);
  }
  figures.forwarded.add();
  attempt.success = mail::DsnAction::expanded;
  attempt.next_hop_reports = result.forward.size() == 1;  // the request went on with the mail
  const mail::Reply reply = our_word({2, 0, 0}, fmt::format("forwarded as {}", to_string(verdict.id)));
  co_await results.settle(only(part_of(job, Found::delivered, reply)), loaded, attempt, settings);
}

}  // namespace ringpost::deliver
