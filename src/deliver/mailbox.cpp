// Mail that ends on this host: into mailboxes by way of Local, on to where an alias sends it, or nowhere at all.
#include <algorithm>

#include <fmt/format.h>

#include "ringpost/deliver/limits.hpp"
#include "ringpost/deliver/local_limits.hpp"
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

mail::Envelope forward_envelope(const mail::EnvelopeRecord& record) {
  mail::Envelope envelope;
  envelope.body = record.body();
  envelope.body_given = record.body_given();
  envelope.smtputf8 = record.smtputf8();
  envelope.dsn_return = record.dsn_return();
  envelope.set_reverse_path(record.reverse_path());
  if (!record.envid().empty()) envelope.set_envid(record.envid());
  return envelope;
}

// The mail of a list begins anew: what its first sender asked of reports is answered by the list (RFC 3461 section 5.2.7.3).
mail::Envelope list_envelope(const mail::EnvelopeRecord& record, const std::string& owner) {
  mail::Envelope envelope;
  envelope.body = record.body();
  envelope.body_given = record.body_given();
  envelope.smtputf8 = record.smtputf8();
  envelope.set_reverse_path(owner);
  return envelope;
}

// A message that goes on: those of one sender, as many as an envelope takes.
struct Onward {
  mail::Envelope envelope;
  std::vector<Forward> targets;
};

std::vector<Onward> onward(const mail::EnvelopeRecord& record, const mail::Recipient& original,
                           const std::vector<Forward>& forward) {
  std::vector<Onward> messages;
  const bool alone = forward.size() == 1;
  for (const Forward& target : forward) {
    const mail::Recipient recipient = target.owner.empty() ? forwarded(target.address, original, alone)
                                                           : mail::Recipient{.address = target.address};
    auto place = std::ranges::find_if(messages, [&](const Onward& message) {
      return message.targets.front().owner == target.owner && message.envelope.has_room(recipient);
    });
    if (place == messages.end())
      place = messages.insert(
          place, {target.owner.empty() ? forward_envelope(record) : list_envelope(record, target.owner), {}});
    place->envelope.add_recipient(recipient);
    place->targets.push_back(target);
  }
  return messages;
}

// What the alias made of the mail, as a report calls it: a list takes it, a name stands for others.
mail::DsnAction success_of(const LocalResult& result) {
  const bool stands_for_others = std::ranges::any_of(result.forward, &std::string::empty, &Forward::owner);
  return stands_for_others ? mail::DsnAction::expanded : mail::DsnAction::delivered;
}

bool is_junk(const spool::Spool::Loaded& loaded) {
  return (loaded.envelope.facts().flags & mail::kJunk) != 0;
}

// Of a recipient with several targets, what is done is kept when another attempt may come: also of one that has failed, for there may
// be no room for the report.
bool may_come_again(const LocalResult& result) {
  using Kind = LocalResult::Kind;
  return result.kind == Kind::deferred || result.kind == Kind::lmtp || result.kind == Kind::failed;
}

}  // namespace

// One mail after another, until somebody waits for the place. `stores`: it was begun because the last one was only stored.
Task<void> Service::State::serve_here(Destination& destination, bool stores) {
  const bool discards = destination.route.via == Via::discard;
  const auto& line = stores ? waiting_for_store : waiting_for_local;
  while (!draining && !destination.suspended && destination.only_stored == stores) {
    Job* job = queue.take(destination, discards ? UINT32_MAX : 1);
    if (job == nullptr) break;
    co_await deliver_here(*job);
    if (!discards && (!line.empty() || !waiting_for_flow.empty())) break;
  }
  --(stores ? store_flows : local_flows);
  flow_ended(destination);
}

Task<void> Service::State::deliver_here(Job& job) {
  const MessageId id = job.message.id;
  auto loaded = co_await parts.spool->load(id);
  if (!loaded) co_return results.settle_unreadable(job, loaded.error());
  if (job.destination->route.via == Via::discard)
    co_return co_await conclude_here(job, *loaded,
                                     {.kind = LocalResult::Kind::delivered,
                                      .reply = our_word({2, 0, 0}, "discarded"),
                                      .target = "discard"},
                                     std::nullopt);
  const auto body = co_await parts.spool->body(id);
  if (!body) {
    job.destination->only_stored = false;  // it may have been one too many for the memory
    co_return results.settle_unreadable(job, body.error());
  }
  const mail::Recipient recipient = loaded->envelope.recipient(job.recipients.view().front());
  const std::string original = original_address(recipient);
  const std::uint32_t index = job.recipients.view().front();
  FinishedTargets finished = finished_of(id, index, *loaded);
  LocalResult result = co_await parts.local->deliver({.id = id,
                                                      .recipient_index = index,
                                                      .recipient = recipient.address,
                                                      .reverse_path = loaded->envelope.reverse_path(),
                                                      .original_recipient = original,
                                                      .body = body->pieces(),
                                                      .finished = &finished,
                                                      .junk = is_junk(*loaded)});
  std::optional<mail::Reply> refusal;
  if (!result.forward.empty()) refusal = co_await forward(job, *loaded, *body, result, finished);
  job.destination->only_stored = result.only_stored && body->size() <= kStoredTogetherMax;
  std::vector<std::string> stored = std::move(result.stored);
  co_await conclude_here(job, *loaded, std::move(result), std::move(refusal));
  if (stored.empty()) co_return;
  if (parts.spool->refresh(id, *loaded) && loaded->outcomes[index].state == spool::RecipientState::pending) {
    if (stored.size() > kStoredNamedMax) co_return;  // until it is final the stores answer each repeat
    mark_stored(stored, finished);
    (void)parts.spool->refresh(id, *loaded);
    const FinishedTargets kept = finished_of(id, index, *loaded);
    std::erase_if(stored, [&](const std::string& user) { return !is_stored(user, kept); });
    if (stored.empty()) co_return;
  }
  ++errands;
  core.spawn(confirm(id, index, std::move(stored)));
}

// The store forgets where it had the mail from when the queue cannot bring it again.
Task<void> Service::State::confirm(MessageId id, std::uint32_t recipient, std::vector<std::string> stored) {
  if (co_await parts.spool->flush()) parts.local->confirm(id, recipient, stored);
  --errands;
  wake.notify_one();
}

// What the spool knows of it, and what it is told from now on.
FinishedTargets Service::State::finished_of(MessageId id, std::uint32_t recipient,
                                            const spool::Spool::Loaded& loaded) {
  std::vector<FinishedTargets::Digest> earlier;
  for (const spool::FinishedTarget& target : loaded.finished)
    if (target.recipient == recipient) earlier.push_back(target.target);
  return FinishedTargets(std::move(earlier),
                         [spool = parts.spool, id, recipient](FinishedTargets::Digest target) {
                           spool->record(id, spool::FinishedTarget{recipient, target});
                         });
}

// The new messages are durable before the old recipient is done. Delivered-To makes a circle of aliases end.
Task<std::optional<mail::Reply>> Service::State::forward(const Job& job, const spool::Spool::Loaded& loaded,
                                                         const spool::Body& body, const LocalResult& result,
                                                         FinishedTargets& finished) {
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
  const std::vector<Onward> messages = onward(loaded.envelope, recipient, result.forward);
  const bool many = result.forward.size() > kForwardsNamedMax;
  for (const Onward& message : messages) {
    if (many && is_forwarded_whole(message.targets, finished)) continue;
    const intake::Verdict verdict =
        co_await parts.intake->take(pieces,
                                    {.listener = "forward",
                                     .protocol_override = "local",
                                     .flags = static_cast<std::uint16_t>(is_junk(loaded) ? mail::kJunk : 0)},
                                    message.envelope);
    if (verdict.refusal) co_return verdict.refusal;
    figures.forwarded.add();
    if (messages.size() > 1 || may_come_again(result)) mark_forwarded(message.targets, finished, many);
  }
  co_return std::nullopt;
}

// `refusal`: why what must go on to other addresses could not.
Task<void> Service::State::conclude_here(Job& job, const spool::Spool::Loaded& loaded, LocalResult result,
                                         std::optional<mail::Reply> refusal) {
  using Kind = LocalResult::Kind;
  Attempt attempt{
      .route = job.destination->route.name, .remote = result.target, .success = success_of(result)};
  attempt.next_hop_reports = result.kind == Kind::forwarded && result.forward.size() == 1 &&
                             result.forward.front().owner.empty();  // the request went with it
  Found found = result.kind == Kind::failed     ? Found::failed
                : result.kind == Kind::deferred ? Found::deferred
                                                : Found::delivered;
  mail::Reply reply = result.reply;
  if (result.kind == Kind::forwarded && reply.text.empty())
    reply = our_word({2, 0, 0}, fmt::format("sent on to {} addresses", result.forward.size()));
  if (refusal) {  // all of it comes again but for what is finished, unless there is no hope
    const bool waits = !refusal->permanent() || found == Found::deferred || result.kind == Kind::lmtp;
    found = waits ? Found::deferred : Found::failed;
    reply = std::move(*refusal);  // ours, whichever list it was for: the sender hears of it
  } else if (result.kind == Kind::lmtp) {
    const auto server = lmtp_route(result.lmtp_server);
    if (server) co_return move_to_lmtp(job, *server, std::move(result));
    found = Found::deferred;
    reply = our_word({4, 3, 5}, server.error().text);
  } else {
    attempt.report_to = result.owner;
  }
  std::vector<Results::Part> ending;
  ending.push_back({&job, for_all(job.recipients.view(), found, reply)});
  co_await results.settle(std::move(ending), loaded, std::move(attempt), parts.settings);
}

void Service::State::move_to_lmtp(Job& job, const Route& server, LocalResult result) {
  job.local =
      std::make_unique<LocalProgress>(LocalProgress{.lmtp_recipient = std::move(result.lmtp_recipient),
                                                    .lmtp_sender = std::move(result.lmtp_sender),
                                                    .failure = std::move(result.reply),
                                                    .owner = std::move(result.owner)});
  queue.move(job, queue.destination(server, {}, {}));
  queue.make_ready(job);
}

}  // namespace ringpost::deliver
