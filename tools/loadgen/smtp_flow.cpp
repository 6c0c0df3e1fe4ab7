#include "smtp_flow.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "ringpost/base/assert.hpp"
#include "ringpost/scan/find.hpp"

namespace ringpost::loadgen {

namespace {

using Kind = smtp::ClientEvent::Kind;
using Stage = smtp::ClientEvent::Stage;
using Reason = smtp::ClientEvent::Reason;

}  // namespace

SmtpFlow::SmtpFlow(SmtpCore& owner, const Target& target)
    : LoadFlow(owner, target), owner_(owner), slots_(options().in_flight) {
  if (const auto& login = options().login) {
    credentials_.authentication_id = login->user;
    credentials_.password = sasl::Secret(login->password);
  }
}

Task<bool> SmtpFlow::converse() {
  session_.emplace(owner_.plan_.session);
  begun_ = 0;
  authenticated_ = quitting_ = false;
  const bool welcome = co_await greet();
  if (welcome)
    co_await talk();
  else
    owner_.figures_.greet_failures.add();
  session_.reset();
  pieces_.clear();
  co_return welcome&& begun_ > 0;
}

// ---- before the first message

Task<bool> SmtpFlow::greet() {
  for (;;) {
    const smtp::ClientEvent event = co_await next_event();
    switch (event.kind) {
      case Kind::ready:
        if (options().tls == TlsUse::starttls && !connection_->secure()) {
          session_->start_tls();
          break;
        }
        if (options().login && !authenticated_) {
          const auto mechanism = sasl::choose(session_->capabilities().mechanisms);
          if (!mechanism) {
            owner_.figures_.note_trouble("the server offers no AUTH that we have");
            co_await say_quit();
            co_return false;
          }
          session_->authenticate(*mechanism, credentials_);
          break;
        }
        co_return true;
      case Kind::tls_ready:
        if (!co_await switch_to_tls()) co_return false;
        session_->tls_started();
        break;
      case Kind::authenticated:
        authenticated_ = true;
        co_return true;
      case Kind::refused:
      case Kind::tls_refused:
      case Kind::auth_refused:
        owner_.figures_.note_refusal(session_->reply());
        co_await say_quit();
        co_return false;
      case Kind::closed:
        if (event.reason == Reason::shutdown) owner_.figures_.note_refusal(session_->reply());
        if (event.reason != Reason::shutdown) owner_.figures_.note_trouble(session_->reply().text);
        co_return false;
      default:
        break;
    }
  }
}

Task<void> SmtpFlow::say_quit() {
  session_->quit();
  for (;;) {
    const smtp::ClientEvent event = co_await next_event();
    if (event.kind == Kind::closed) co_return;
  }
}

smtp::ClientEvent SmtpFlow::next() {
  std::span<const std::byte> input = connection_->input();
  const std::size_t before = input.size();
  const smtp::ClientEvent event = session_->next(input);
  connection_->consume(before - input.size());
  return event;
}

// The next event that is not about input.
Task<smtp::ClientEvent> SmtpFlow::next_event() {
  for (;;) {
    const smtp::ClientEvent event = next();
    if (event.kind != Kind::need_input) co_return event;
    co_await exchange();
  }
}

// Sends all that waits and receives something; when either fails the session knows that the connection is lost.
Task<void> SmtpFlow::exchange() {
  if (!co_await send_pieces()) {
    session_->lost_connection();
    co_return;
  }
  const auto got = co_await connection_->receive(deadline());
  if (got) co_return;
  if (got.error().kind == ErrorKind::timed_out) owner_.figures_.timeouts.add();
  session_->lost_connection();
}

Task<bool> SmtpFlow::send_pieces() {
  const std::string_view output = session_->output();
  give(output);
  if (pieces_.empty()) co_return true;
  const auto sent = co_await connection_->flush(deadline(), pieces_);
  session_->output_sent(output.size());
  pieces_.clear();
  for (Slot& slot : slots_) slot.given = false;
  co_return sent.has_value();
}

void SmtpFlow::give(std::string_view text) {
  if (!text.empty()) pieces_.push_back(scan::as_bytes(text));
}

// ---- messages

Task<void> SmtpFlow::talk() {
  for (;;) {
    // What an idle connection has heard comes first: the server may be gone.
    if (busy_ == 0 && connection_->at_end()) session_->lost_connection();
    const bool heard = busy_ == 0 && (connection_->at_end() || !connection_->input().empty());
    while (!heard && may_begin()) {
      const std::optional<Job> job = owner_.take();
      if (!job) break;
      if (!begin(*job)) co_await owner_.pause(kBackOffMax);
    }
    const smtp::ClientEvent event = next();
    switch (event.kind) {
      case Kind::need_input:
        if (busy_ == 0 && !quitting_ && !session_->awaited())
          co_await idle();
        else
          co_await exchange();
        break;
      case Kind::send_body:
        give_body(slot_of(event));
        break;
      case Kind::recipient:
        note_recipient(event);
        break;
      case Kind::recipient_final:
        note_final(event);
        break;
      case Kind::finished:
        finish(slot_of(event), event.stage);
        break;
      case Kind::closed:
        close(event);
        co_return;
      default:
        break;
    }
  }
}

// Nothing is under way and nothing is due: waits for work, or leaves.
Task<void> SmtpFlow::idle() {
  const std::uint64_t most = options().per_connection;
  if (owner_.expects_work() && (most == 0 || begun_ < most)) {
    co_await owner_.work();
    co_return;
  }
  session_->quit();
  quitting_ = true;
}

bool SmtpFlow::may_begin() {
  const std::uint64_t most = options().per_connection;
  return !quitting_ && (most == 0 || begun_ < most) && session_->can_begin() && free_slot() != nullptr;
}

// False: this peer can never take it.
bool SmtpFlow::begin(const Job& job) {
  Slot& slot = *free_slot();
  slot.job = job;
  slot.accepted = 0;
  slot.deferred = false;
  slot.sample = &owner_.sample_of(job);
  write_envelope(slot);
  const smtp::Outgoing outgoing{
      .envelope = &slot.envelope,
      .body_bytes = slot.sample->size(),
      .timing = options().bdat ? smtp::BodyTiming::with_envelope : smtp::BodyTiming::after_recipients};
  slot.busy = true;
  ++busy_;
  if (const auto why = session_->unfit(outgoing)) {
    refuse(slot, *why);
    return false;
  }
  slot.own.fill(*slot.sample, owner_.id_of(job), job.intended_wall);
  slot.transaction = session_->begin(outgoing);
  ++begun_;
  return true;
}

void SmtpFlow::write_envelope(Slot& slot) {
  mail::Envelope& envelope = slot.envelope;
  envelope.body = slot.sample->eight_bit ? mail::BodyKind::eight_bit_mime : mail::BodyKind::seven_bit;
  const SmtpCore::Domain domain = owner_.domain_of(slot.job);
  if (slot.domain == domain) return;
  slot.domain = domain;
  const mail::BodyKind body = envelope.body;
  envelope.clear();
  envelope.body = body;
  envelope.set_reverse_path(options().from);
  for (const std::string& recipient : options().recipients) envelope.add_recipient({.address = recipient});
  if (!options().recipients.empty()) return;
  std::array<char, 320> text;
  for (std::uint64_t i = 0; i < options().recipient_count; ++i) {
    const std::uint64_t user = domain.mailbox + i;
    const std::string& name = options().recipient_domains[domain.share].domain;
    const auto end =
        options().domains == 1
            ? fmt::format_to_n(text.data(), text.size(), "user{}@{}", user, name)
            : fmt::format_to_n(text.data(), text.size(), "user{}@d{}.{}", user, domain.index, name);
    envelope.add_recipient({.address = std::string_view(text.data(), std::min(end.size, text.size()))});
  }
}

// Everything of the message becomes pieces; the session is told at once, so that the next commands follow in
// the same send.
void SmtpFlow::give_body(Slot& slot) {
  const smtp::BodyForm form = session_->body_form();
  slot.commands = session_->output();
  session_->output_sent(slot.commands.size());
  give(slot.commands);
  give(slot.own.front);
  give(form.chunked ? std::string_view(slot.sample->text) : slot.sample->data_text());
  give(slot.own.tail);
  if (!form.chunked) give(smtp::kEndOfData);
  slot.given = true;
  session_->body_sent();
}

void SmtpFlow::note_recipient(const smtp::ClientEvent& event) {
  const mail::Reply& reply = session_->reply();
  if (reply.completed()) {
    if (!owner_.plan_.session.lmtp) ++slot_of(event).accepted;
    return;
  }
  slot_of(event).deferred |= reply.temporary();
  owner_.figures_.refused_recipients.add();
  owner_.figures_.note_refusal(reply);
}

void SmtpFlow::note_final(const smtp::ClientEvent& event) {
  const mail::Reply& reply = session_->reply();
  if (reply.completed()) {
    ++slot_of(event).accepted;
    return;
  }
  slot_of(event).deferred |= reply.temporary();
  owner_.figures_.note_refusal(reply);
}

void SmtpFlow::finish(Slot& slot, Stage stage) {
  const mail::Reply& reply = session_->reply();
  const bool lmtp = owner_.plan_.session.lmtp;
  if (stage == Stage::body && (lmtp ? slot.accepted > 0 : reply.completed())) {
    owner_.acknowledge(slot.job, slot.own.checksum, slot.accepted, slot.sample->size());
    slot.busy = false;
    --busy_;
    owner_.decided();
    return;
  }
  // Replies to single recipients have been counted where they came.
  const bool counted = stage == Stage::recipients || (stage == Stage::body && lmtp);
  if (!counted) owner_.figures_.note_refusal(reply);
  slot.busy = false;
  --busy_;
  const bool deferred = counted ? slot.deferred : reply.temporary();
  const bool again = deferred && slot.job.attempts < options().retries && owner_.try_again(slot.job);
  if (!again) owner_.figures_.refused.add();
  owner_.decided();
}

// Without asking the server.
void SmtpFlow::refuse(Slot& slot, const mail::Reply& reply) {
  owner_.figures_.note_refusal(reply);
  owner_.figures_.refused.add();
  slot.busy = false;
  --busy_;
  owner_.decided();
}

// What is under way got its answer with the 421, or none at all: then the server may have it or not.
void SmtpFlow::close(const smtp::ClientEvent& event) {
  const bool told = event.reason == Reason::shutdown;
  if (told && !quitting_) owner_.figures_.note_refusal(session_->reply());
  if (busy_ != 0 && !told) {
    owner_.figures_.lost_connections.add();
    owner_.figures_.note_trouble(session_->reply().text);
  } else if (event.reason == Reason::protocol) {
    owner_.figures_.note_trouble(session_->reply().text);
  }
  for (Slot& slot : slots_) {
    slot.given = false;
    if (!std::exchange(slot.busy, false)) continue;
    --busy_;
    const bool may = told ? slot.job.attempts < options().retries : options().resend;
    if (!may || !owner_.try_again(slot.job))
      (told ? owner_.figures_.refused : owner_.figures_.unanswered).add();
    owner_.decided();
  }
}

SmtpFlow::Slot* SmtpFlow::free_slot() {
  const auto found = std::ranges::find_if(slots_, [](const Slot& slot) { return !slot.busy && !slot.given; });
  return found == slots_.end() ? nullptr : &*found;
}

SmtpFlow::Slot& SmtpFlow::slot_of(const smtp::ClientEvent& event) {
  const auto found = std::ranges::find_if(
      slots_, [&](const Slot& slot) { return slot.busy && slot.transaction == event.transaction; });
  RP_ASSERT(found != slots_.end());
  return *found;
}

}  // namespace ringpost::loadgen
