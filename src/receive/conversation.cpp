#include "conversation.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "ringpost/net/proxied_client.hpp"
#include "ringpost/receive/limits.hpp"

namespace ringpost::receive {

namespace {

using Kind = smtp::Event::Kind;

const mail::Reply kTooManyConnections{421, {4, 7, 0}, "Too many connections, try again later"};
const mail::Reply kTooFast{421, {4, 7, 0}, "Too many connections in a short time, try again later"};
const mail::Reply kBusy{421, {4, 3, 2}, "The server is busy, try again later"};
const mail::Reply kGoingDown{421, {4, 3, 2}, "The server is shutting down, try again later"};
const mail::Reply kIdle{421, {4, 4, 2}, "You have been silent for too long"};
const mail::Reply kMessageRate{450, {4, 7, 1}, "Too many messages in a short time, try again later"};
const mail::Reply kEnoughMessages{421, {4, 7, 0}, "Enough messages on this connection, connect again"};

}  // namespace

Conversation::Conversation(Service& service, std::shared_ptr<const Snapshot> snapshot, std::size_t index,
                           net::Connection& connection)
    : service_(service),
      snapshot_(std::move(snapshot)),
      index_(index),
      listening_(snapshot_->listeners[index]),
      connection_(connection),
      session_(listening_.smtp, listening_.options.tls == TlsMode::implicit) {}

Instant Conversation::deadline() const {
  return service_.core_.now() + listening_.options.command_timeout;
}

policy::Client Conversation::client() const {
  return {.address = connection_.peer().address,
          .authenticated = session_.authenticated(),
          .lmtp = listening_.options.protocol == Protocol::lmtp};
}

intake::Origin Conversation::origin() const {
  return {.peer = connection_.peer().address,
          .helo = session_.helo(),
          .tls = tls_text_,
          .auth_user = session_.login(),
          .listener = listening_.name,
          .protocol = {.extended = session_.esmtp(),
                       .lmtp = listening_.options.protocol == Protocol::lmtp,
                       .utf8 = session_.envelope().smtputf8,
                       .tls = session_.secure(),
                       .auth = session_.authenticated()},
          .durability = listening_.durability,
          .submission = listening_.options.protocol == Protocol::submission,
          .direction = direction_};
}

// What our users send to others goes out; all else comes in. A trusted host that brings mail for our own users is another's
// relay as often as a user.
intake::Direction Conversation::find_direction() const {
  using intake::Direction;
  if (listening_.options.protocol == Protocol::submission || session_.authenticated())
    return Direction::outbound;
  if (listening_.options.protocol == Protocol::lmtp ||
      !snapshot_->policy->trusted(connection_.peer().address))
    return Direction::inbound;
  const mail::Envelope& envelope = session_.envelope();
  for (std::size_t i = 0; i < envelope.recipient_count(); ++i) {
    const std::string_view domain = mail::split_address(envelope.recipient(i).address).domain;
    if (snapshot_->policy->is_local_domain(domain) || snapshot_->policy->is_relay_domain(domain))
      return Direction::inbound;
  }
  return Direction::outbound;
}

// ---- before the greeting

Task<void> Conversation::run() {
  if (!co_await net::find_client(connection_, listening_.options.proxy_protocol_from)) co_return;
  if (!co_await admit()) co_return;
  if (co_await greet()) co_await talk();
  if (observe::SessionTrace* trace = traced()) trace->ended(service_.core_.wall_now());
  service_.figures_.protocol_errors.add(session_.protocol_errors());
  if (counted_) co_await service_.parts_.clients->disconnect(service_.core_, connection_.peer().address);
}

Task<bool> Conversation::admit() {
  Service& service = service_;
  if (service.core_.buffers().tight()) {
    co_await turn_away(kBusy);
    co_return false;
  }
  if (service.visitors_.load(index_) > listening_.options.connection_limit) {
    co_await turn_away(kTooManyConnections);
    co_return false;
  }
  if (snapshot_->policy->trusted(connection_.peer().address)) co_return true;
  if (is_listed_mail() && snapshot_->blocklists->options.stage == BlocklistStage::connect) {
    if (const auto reply = co_await ask_blocklists(true)) {
      note_rejected(*reply, {});
      co_await turn_away(*reply);
      co_return false;
    }
  }
  const net::Admission admission = co_await service.parts_.clients->connect(
      service.core_, connection_.peer().address, &listening_.client_rules);
  counted_ = admission == net::Admission::admitted;
  if (admission == net::Admission::admitted || admission == net::Admission::uncounted) co_return true;
  co_await turn_away(admission == net::Admission::too_many ? kTooManyConnections : kTooFast);
  co_return false;
}

// Inside implicit TLS nobody would understand a clear word: the connection just ends.
Task<void> Conversation::turn_away(mail::Reply reply) {
  service_.figures_.refused_connections.add();
  if (listening_.options.tls == TlsMode::implicit) co_return;
  session_.close(reply);
  co_await send();
}

Task<bool> Conversation::greet() {
  if (listening_.options.tls == TlsMode::implicit && !co_await start_tls()) {
    if (counted_) co_await service_.parts_.clients->disconnect(service_.core_, connection_.peer().address);
    counted_ = false;
    co_return false;
  }
  if (listening_.options.greeting_delay > 0s)
    (void)co_await connection_.receive(service_.core_.now() + listening_.options.greeting_delay);
  if (!connection_.input().empty()) {
    service_.figures_.early_talkers.add();
    session_.note_early_talk();
  }
  offer_mechanisms();
  session_.greet();
  co_return true;
}

// ---- the conversation

Task<bool> Conversation::send() {
  const std::string_view output = session_.output();
  if (observe::SessionTrace* trace = traced())
    trace->said(observe::Speaker::server, output, service_.core_.wall_now());
  const bool taken = connection_.write(output);
  session_.output_sent(output.size());
  if (!taken) co_return false;
  const auto sent = co_await connection_.flush(deadline());
  co_return sent.has_value();
}

observe::SessionTrace* Conversation::traced() {
  return trace_.by(service_.core_.trace(), [this] {
    return observe::SessionTrace::About{
        .core = service_.core_.index(), .peer = connection_.peer(), .place = listening_.name};
  });
}

void Conversation::trace_input(std::span<const std::byte> consumed) {
  observe::SessionTrace* const trace = traced();
  if (trace == nullptr) return;
  const auto commands = consumed.first(consumed.size() - session_.unspoken());
  trace->said(observe::Speaker::client, {reinterpret_cast<const char*>(commands.data()), commands.size()},
              service_.core_.wall_now());
  trace->body(session_.unspoken());
}

std::span<std::byte> Conversation::target() {
  if (!draft_) return {};
  if (doomed_) draft_->discard();
  return draft_->space();
}

Task<void> Conversation::talk() {
  for (;;) {
    std::span<const std::byte> input = connection_.input();
    const std::size_t before = input.size();
    const std::byte* const begin = input.data();
    const smtp::Event event = session_.next(input, target());
    trace_input({begin, before - input.size()});
    connection_.consume(before - input.size());
    switch (event.kind) {
      case Kind::need_input:
        if (co_await wait_for_input() == Next::leave) co_return;
        break;
      case Kind::flush:
        if (!co_await send()) co_return;
        break;
      case Kind::helo:
        session_.accept();
        break;
      case Kind::start_tls:
        if (!co_await send()) co_return;
        connection_.discard_input();
        if (!co_await start_tls()) co_return;
        offer_mechanisms();
        session_.tls_started();
        break;
      case Kind::auth_keys:
        co_await service_.desk_.give_keys(session_, login_client(), connection_.channel_binding());
        break;
      case Kind::auth:
        co_await authenticate();
        break;
      case Kind::mail:
        co_await judge_sender();
        break;
      case Kind::recipient:
        if (is_listed_mail())
          co_await judge_listed_recipient();
        else
          answer_recipient(judge_recipient());
        break;
      case Kind::data_begin:
        begin_body();
        break;
      case Kind::body:
        if (!doomed_) draft_->advance(event.bytes);
        break;
      case Kind::need_room:
        co_await more_room();
        break;
      case Kind::message_end:
        co_await finish_message();
        break;
      case Kind::reset:
        note_reset();
        break;
      case Kind::quit:
      case Kind::closed:
        co_await send();
        co_return;
    }
  }
}

Task<Conversation::Next> Conversation::wait_for_input() {
  if (!session_.output().empty() && !co_await send()) co_return Next::leave;
  if (service_.draining() && !session_.in_transaction()) {
    session_.close(kGoingDown);
    co_return Next::go_on;  // the session says `closed` next
  }
  const auto got = co_await connection_.receive(deadline());
  if (got) co_return Next::go_on;
  if (got.error().kind == ErrorKind::timed_out) {
    service_.figures_.timeouts.add();
    session_.close(kIdle);
    co_return Next::go_on;
  }
  if (got.error().kind == ErrorKind::cancelled && !connection_.aborted()) co_return Next::go_on;
  if (session_.in_transaction()) service_.figures_.lost.add();
  co_return Next::leave;
}

Task<bool> Conversation::start_tls() {
  const auto done = co_await connection_.accept_tls(listening_.tls, service_.core_.now() + kHandshakeTimeout);
  if (!done) {
    service_.figures_.tls_failures.add();
    co_return false;
  }
  const tls::Facts& facts = *connection_.tls_facts();
  tls_text_ = fmt::format("{} {}", tls::to_string(facts.version), facts.cipher);
  co_return true;
}

// ---- who it is

void Conversation::offer_mechanisms() {
  if (listening_.options.protocol == Protocol::lmtp) return;
  const tls::Facts* facts = connection_.tls_facts();
  const bool bound =
      facts != nullptr && facts->version == tls::Version::tls_1_3;  // see Session::channel_binding
  session_.offer_mechanisms(service_.desk_.mechanisms(bound));
}

Task<void> Conversation::authenticate() {
  const accounts::LoginVerdict verdict =
      co_await service_.desk_.judge(std::move(session_.credentials()), login_client());
  if (verdict.accepted)
    session_.accept_auth(verdict.name);
  else
    verdict.tell(session_);
}

Task<void> Conversation::judge_sender() {
  if (auto reply = service_.parts_.intake->refuse_when_full(listening_.durability)) {
    session_.reject(*reply);
    co_return;
  }
  const std::uint32_t messages_max = listening_.options.messages_per_connection;
  if (messages_max != 0 && messages_ >= messages_max) {
    session_.close(kEnoughMessages);
    co_return;
  }
  if (counted_ && listening_.client_rules.message_rate) {
    const net::Admission admission = co_await service_.parts_.clients->message(
        service_.core_, connection_.peer().address, &listening_.client_rules);
    if (admission == net::Admission::too_fast) {
      note_rejected(kMessageRate, {});
      session_.reject(kMessageRate);
      co_return;
    }
  }
  if (session_.authenticated() && !listening_.options.any_sender) {
    const policy::Verdict verdict =
        snapshot_->policy->sender(session_.login(), session_.envelope().reverse_path());
    if (!verdict.accepted) {
      service_.figures_.senders_rejected.add();
      note_rejected(verdict.reply, {});
      session_.reject(verdict.reply);
      co_return;
    }
  }
  session_.accept();
}

policy::Verdict Conversation::judge_recipient() const {
  return snapshot_->policy->recipient(client(), session_.new_recipient().address);
}

// Whom policy refuses anyway is asked for no further.
Task<void> Conversation::judge_listed_recipient() {
  policy::Verdict verdict = judge_recipient();
  if (verdict.accepted)
    if (auto reply = co_await ask_blocklists(false))
      verdict = {.accepted = false, .reply = *std::move(reply)};
  answer_recipient(verdict);
}

void Conversation::answer_recipient(const policy::Verdict& verdict) {
  if (verdict.accepted) {
    session_.accept();
    return;
  }
  service_.figures_.recipients_rejected.add();
  note_rejected(verdict.reply, session_.new_recipient().address);
  session_.reject(verdict.reply);
}

bool Conversation::is_listed_mail() const {
  return snapshot_->blocklists && !snapshot_->blocklists->empty() && service_.parts_.blocklists != nullptr &&
         listening_.options.protocol == Protocol::smtp && !snapshot_->policy->may_relay(client()) &&
         !snapshot_->blocklists->spares(connection_.peer().address);
}

// Recipients of one domain are one question: their sender and client are the same.
Task<std::optional<mail::Reply>> Conversation::ask_blocklists(bool client_only) {
  Listed asked;
  if (!client_only) {
    asked.helo = session_.helo();
    asked.sender = mail::split_address(session_.envelope().reverse_path()).domain;
    if (snapshot_->blocklists->asks(BlocklistCheck::recipient))
      asked.recipient_domain = mail::split_address(session_.new_recipient().address).domain;
    if (listed_ && listed_->helo == asked.helo && listed_->sender == asked.sender &&
        listed_->recipient_domain == asked.recipient_domain)
      co_return listed_->reply;
  }
  asked.reply = co_await service_.parts_.blocklists->judge(snapshot_->blocklists,
                                                           {.client = connection_.peer().address,
                                                            .helo = asked.helo,
                                                            .sender_domain = asked.sender,
                                                            .recipient_domain = asked.recipient_domain},
                                                           client_only);
  if (!client_only) listed_ = asked;
  co_return asked.reply;
}

void Conversation::begin_body() {
  doomed_.reset();
  direction_ = find_direction();
  auto without = without_repeats(session_.envelope(), *snapshot_->policy);
  without_repeats_ = without ? std::make_unique<const WithoutRepeats>(*std::move(without)) : nullptr;
  auto draft = service_.parts_.intake->begin(origin(), envelope(), session_.size_hint());
  if (!draft) {
    without_repeats_.reset();
    session_.reject(draft.error());
    return;
  }
  draft_.emplace(std::move(*draft));
  session_.accept();
}

Task<void> Conversation::more_room() {
  if (doomed_) co_return;  // target() empties the block
  doomed_ = co_await service_.parts_.intake->more_room(*draft_, origin(), envelope());
}

Task<void> Conversation::finish_message() {
  ++messages_;
  intake::Draft draft = std::move(*draft_);
  draft_.reset();
  const auto without = std::move(without_repeats_);
  if (doomed_) {
    service_.figures_.messages_rejected.add();
    session_.reject_message(*std::exchange(doomed_, std::nullopt));
    co_return;
  }
  // The answer may take minutes: what has been said of the envelope goes first.
  if (listening_.durability == mail::Durability::through && !session_.output().empty()) (void)co_await send();
  const intake::Verdict verdict = co_await service_.parts_.intake->finish(
      std::move(draft), origin(), without ? without->envelope : session_.envelope(), session_.body_facts());
  if (verdict.refusal) {
    service_.figures_.messages_rejected.add();
    session_.reject_message(*verdict.refusal);
    co_return;
  }
  if (verdict.replies.empty()) {
    session_.accept_message(to_string(verdict.id));
    co_return;
  }
  if (std::ranges::none_of(verdict.replies, &mail::Reply::completed))
    service_.figures_.messages_rejected.add();
  session_.finish(without ? without->for_each_given(verdict.replies) : verdict.replies);
}

void Conversation::note_reset() {
  draft_.reset();
  without_repeats_.reset();
  doomed_.reset();
  if (const mail::Reply* refusal = session_.refusal()) {
    service_.figures_.messages_rejected.add();
    note_rejected(*refusal, {});
  }
}

void Conversation::note_rejected(const mail::Reply& reply, std::string_view recipient) {
  auto event = service_.core_.events().begin(observe::EventType::rejected, service_.core_.wall_now());
  event.add(observe::EventKey::peer, to_string(connection_.peer().address))
      .add(observe::EventKey::helo, session_.helo())
      .add(observe::EventKey::listener, listening_.name)
      .add(observe::EventKey::sender, session_.envelope().reverse_path());
  if (!recipient.empty()) event.add(observe::EventKey::recipient, recipient);
  event.add(observe::EventKey::code, static_cast<std::uint64_t>(reply.code))
      .add(observe::EventKey::enhanced_status, mail::to_string(reply.status))
      .add(observe::EventKey::text, reply.text)
      .finish();
}

}  // namespace ringpost::receive
