#include "sink_conversation.hpp"

#include <algorithm>
#include <functional>

#include "limits.hpp"

namespace ringpost::loadgen {

namespace {

using Kind = smtp::Event::Kind;

const mail::Reply kStopping{421, {4, 3, 2}, "The sink is closing"};
const mail::Reply kIdle{421, {4, 4, 2}, "You have been silent for too long"};

std::string_view domain_of(std::string_view address) {
  const std::size_t at = address.rfind('@');
  return at == std::string_view::npos ? std::string_view{} : address.substr(at + 1);
}

// The same answer for the same text in every run of a seed, spread evenly over [0, 1).
double place_of(std::string_view text, std::uint64_t seed) {
  std::uint64_t hash = seed ^ 0xCBF29CE484222325U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  hash ^= hash >> 32U;
  hash *= 0x9E3779B97F4A7C15U;
  return static_cast<double>(hash >> 11U) * 0x1p-53;
}

}  // namespace

SinkConversation::SinkConversation(SinkCore& sink, PersonaState& receiver, net::Connection& connection)
    : sink_(sink),
      receiver_(receiver),
      connection_(connection),
      session_(receiver.session(), receiver.persona().tls == TlsUse::implicit) {}

SinkConversation::~SinkConversation() {
  depart();
}

// Before the client can know that its connection is over, so that it never seems to hold two.
void SinkConversation::depart() {
  if (!std::exchange(present_, false)) return;
  turn_to({});
  receiver_.connections.leave();
  sink_.plan_.connections.leave();
}

Task<void> SinkConversation::run() {
  sink_.plan_.connections.enter();
  const std::uint64_t connections = receiver_.connections.enter();
  if (persona().connections_max != 0 && connections > persona().connections_max) {
    sink_.figures_.turned_away.add();
    receiver_.turned_away.add();
    session_.close(persona().connections_reply);
    if (persona().tls != TlsUse::implicit) co_await send();
    co_return;
  }
  if (persona().accept_delay > Duration{0})
    (void)co_await sink_.stopping_signal_.wait(sink_.core_.now() + persona().accept_delay);
  if (persona().tls == TlsUse::implicit && !co_await start_tls()) co_return;
  if (troubled(Step::greeting) && !co_await suffer(Step::greeting)) co_return;
  session_.greet();
  co_await talk();
}

Task<bool> SinkConversation::send() {
  const std::string_view output = session_.output();
  const bool taken = connection_.write(output);
  session_.output_sent(output.size());
  if (!taken) co_return false;
  const auto sent = co_await connection_.flush(sink_.core_.now() + kSinkIdle);
  co_return sent.has_value();
}

Task<void> SinkConversation::talk() {
  for (;;) {
    std::span<const std::byte> input = connection_.input();
    const std::size_t before = input.size();
    const smtp::Event event = session_.next(input, sink_.scratch_);
    connection_.consume(before - input.size());
    switch (event.kind) {
      case Kind::need_input:
        if (co_await wait_for_input() == Next::leave) co_return;
        break;
      case Kind::flush:
        if (!co_await send()) co_return;
        break;
      case Kind::helo:
        if (troubled(Step::helo) && !co_await suffer(Step::helo)) co_return;
        session_.accept();
        break;
      case Kind::start_tls:
        if (!co_await send()) co_return;
        connection_.discard_input();
        if (!co_await start_tls()) co_return;
        session_.tls_started();
        break;
      case Kind::auth_keys:  // never: only passwords are offered
        session_.refuse_auth();
        break;
      case Kind::auth:
        authenticate();
        break;
      case Kind::mail:
        if (troubled(Step::mail) && !co_await suffer(Step::mail)) co_return;
        judge_sender();
        break;
      case Kind::recipient:
        if (troubled(Step::rcpt) && !co_await suffer(Step::rcpt)) co_return;
        judge_recipient();
        break;
      case Kind::data_begin:
        if (troubled(Step::data) && !co_await suffer(Step::data)) co_return;
        check_.start();
        session_.accept();
        break;
      case Kind::body:
        check_.feed(std::span(sink_.scratch_).first(event.bytes));
        break;
      case Kind::message_end:
        if (troubled(Step::body) && !co_await suffer(Step::body)) co_return;
        if (persona().freeze.asked()) co_await wait_for_thaw();
        finish_message();
        break;
      case Kind::need_room:  // the scratch buffer is empty at every call
      case Kind::reset:
        break;
      case Kind::quit:
      case Kind::closed:
        depart();
        co_await send();
        co_return;
    }
  }
}

Task<SinkConversation::Next> SinkConversation::wait_for_input() {
  if (!session_.output().empty() && !co_await send()) co_return Next::leave;
  if (sink_.stopping_ && !session_.in_transaction()) {
    session_.close(kStopping);
    co_return Next::go_on;
  }
  const auto got = co_await connection_.receive(sink_.core_.now() + kSinkIdle);
  if (got) co_return Next::go_on;
  if (got.error().kind == ErrorKind::timed_out) {
    session_.close(kIdle);
    co_return Next::go_on;
  }
  if (got.error().kind == ErrorKind::cancelled && !connection_.aborted()) co_return Next::go_on;
  if (session_.in_transaction()) sink_.figures_.lost.add();
  co_return Next::leave;
}

Task<bool> SinkConversation::start_tls() {
  const auto done = co_await connection_.accept_tls(sink_.tls_, sink_.core_.now() + kSinkIdle);
  (done ? sink_.figures_.tls_sessions : sink_.figures_.tls_failures).add();
  co_return done.has_value();
}

void SinkConversation::authenticate() {
  const sasl::Credentials& given = session_.credentials();
  const Login& login = *options().login;
  if (given.authentication_id == login.user && given.password.view() == login.password)
    session_.accept_auth();
  else
    session_.refuse_auth();
}

bool SinkConversation::troubled(Step step) const {
  const Persona& o = persona();
  return o.stall == step || (o.delay > Duration{0} && o.delay_at == step) ||
         (o.drop > 0 && o.drop_at == step);
}

Task<bool> SinkConversation::suffer(Step step) {
  // What was answered before this place is not held back by what happens here.
  if (!session_.output().empty() && !co_await send()) co_return false;
  if (persona().stall == step) {
    sink_.figures_.stalled.add();
    for (bool there = true; there; connection_.discard_input()) {
      const auto got = co_await connection_.receive(Instant::never());
      there = got || (got.error().kind == ErrorKind::cancelled && !sink_.stopping_);
    }
    co_return false;
  }
  if (persona().delay > Duration{0} && persona().delay_at == step) {
    (void)co_await sink_.stopping_signal_.wait(sink_.core_.now() + persona().delay);
    if (connection_.aborted()) co_return false;
  }
  if (persona().drop_at == step && sink_.chance(persona().drop)) {
    sink_.figures_.dropped.add();
    receiver_.dropped.add();
    co_return false;
  }
  co_return true;
}

// Nothing is answered until the window is over, as when a receiver's disk hangs.
Task<void> SinkConversation::wait_for_thaw() {
  const Duration rest = persona().freeze.rest(since_start());
  if (rest == Duration{0}) co_return;
  if (!session_.output().empty() && !co_await send()) co_return;
  sink_.figures_.frozen.add();
  (void)co_await sink_.stopping_signal_.wait(sink_.core_.now() + rest);
}

void SinkConversation::defer(SharedCounter& counter, const mail::Reply& reply) {
  counter.add();
  sink_.figures_.rejected_temporary.add();
  session_.reject(reply);
}

// A storm and a rate are answered to MAIL: the sender may not even name its recipients. A 421 ends the connection.
void SinkConversation::judge_sender() {
  if (!persona().judges_senders()) return session_.accept();
  const bool storm = persona().storm.rest(since_start()) > Duration{0};
  if (!storm && (!persona().rate || receiver_.within_rate(sink_.core_.wall_now()))) return session_.accept();
  SharedCounter& counter = storm ? receiver_.stormed : receiver_.over_rate;
  const mail::Reply& reply = storm ? persona().storm_reply : persona().rate_reply;
  if (reply.code != 421) return defer(counter, reply);
  counter.add();
  sink_.figures_.rejected_temporary.add();
  session_.close(reply);
}

// A permanent refusal belongs to the address, so that it is the same whenever the client comes back; a
// temporary one to the attempt.
void SinkConversation::judge_recipient() {
  const std::string_view address = session_.new_recipient().address;
  turn_to(domain_of(address));
  if (persona().reject_at == Step::rcpt) {
    if (persona().reject_permanent > 0 &&
        place_of(address, options().common.seed) < persona().reject_permanent) {
      sink_.figures_.rejected_permanent.add();
      receiver_.rejected_permanent.add();
      return session_.reject(persona().never());
    }
    if (sink_.chance(persona().reject_temporary))
      return defer(receiver_.rejected_temporary, persona().later());
  }
  if (persona().greylist > Duration{0} &&
      receiver_.greylisted(session_.envelope().reverse_path(), address, sink_.core_.wall_now()))
    return defer(receiver_.greylistings, persona().greylist_reply);
  session_.accept();
}

void SinkConversation::finish_message() {
  const BodyVerdict& verdict = check_.finish();
  if (persona().reject_at == Step::body) {
    const std::string id = verdict.id ? to_string(*verdict.id) : std::string{};
    if (persona().reject_permanent > 0 && place_of(id, options().common.seed) < persona().reject_permanent) {
      sink_.figures_.rejected_permanent.add();
      receiver_.rejected_permanent.add();
      return session_.reject_message(persona().never());
    }
    if (sink_.chance(persona().reject_temporary)) {
      sink_.figures_.rejected_temporary.add();
      receiver_.rejected_temporary.add();
      return session_.reject_message(persona().later());
    }
  }
  accept_message(verdict);
}

void SinkConversation::accept_message(const BodyVerdict& verdict) {
  SinkFigures& figures = sink_.figures_;
  record(verdict);
  ++domain_messages_;
  sink_.last_message_ = sink_.core_.wall_now();
  if (!sink_.first_message_) sink_.first_message_ = sink_.last_message_;
  figures.messages.add();
  if (!options().personas.empty()) receiver_.messages.add();
  figures.recipients.add(session_.envelope().recipient_count());
  figures.bytes.add(session_.body_facts().size);
  if (verdict.id) {
    if (!verdict.good()) figures.bad.add();
    if (last_ && last_->run == verdict.id->run && last_->core == verdict.id->core &&
        last_->sequence > verdict.id->sequence)
      figures.out_of_order.add();
    last_ = verdict.id;
    if (verdict.sent && sink_.core_.wall_now() >= *verdict.sent)
      figures.transit_ns.record(static_cast<std::uint64_t>((sink_.core_.wall_now() - *verdict.sent).count()));
  } else {
    figures.foreign.add();
  }
  std::array<char, kIdSize> id;
  write_id(verdict.id.value_or(LoadId{}), id);
  session_.accept_message({id.data(), id.size()});
}

// "ID RECIPIENTS ok|bad CHECKSUM"; "-" for the id of a message that is not ours. The reply leaves in this
// turn's batch, after the line.
void SinkConversation::record(const BodyVerdict& verdict) {
  std::array<char, kIdSize> id_text;
  std::string_view id = "-";
  if (verdict.id) {
    write_id(*verdict.id, id_text);
    id = {id_text.data(), id_text.size()};
  }
  const mail::Envelope& envelope = session_.envelope();
  std::string& text = sink_.received_.text();
  if (sink_.received_.wanted()) text.append(id).push_back(' ');
  for (std::size_t i = 0; i < envelope.recipient_count(); ++i) {
    const std::string_view address = envelope.recipient(i).address;
    if (verdict.id) sink_.receipts_.add(id, address);
    if (!sink_.received_.wanted()) continue;
    if (i != 0) text.push_back(',');
    const auto start = static_cast<std::ptrdiff_t>(text.size());
    text.append(address);
    // A quoted local part may hold what separates fields here.
    std::replace_if(text.begin() + start, text.end(), [](char c) { return c == ' ' || c == ','; }, '_');
  }
  if (!sink_.received_.wanted()) return;
  std::array<char, kChecksumSize> checksum;
  write_checksum(verdict.checksum, checksum);
  text.append(!verdict.id || verdict.good() ? " ok " : " bad ")
      .append(checksum.data(), checksum.size())
      .push_back('\n');
  sink_.received_.added();
}

void SinkConversation::turn_to(std::string_view domain) {
  if (domain == domain_) return;
  if (!domain_.empty()) sink_.plan_.domains.leave(domain_, std::exchange(domain_messages_, 0));
  domain_.clear();
  if (!domain.empty() && sink_.plan_.domains.enter(domain)) domain_ = domain;
}

}  // namespace ringpost::loadgen
