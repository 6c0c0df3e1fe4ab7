#include "conversation.hpp"

#include <algorithm>

#include "ringpost/net/proxy_protocol.hpp"
#include "ringpost/shard/await.hpp"

#include "imap_conversation.hpp"
#include "names.hpp"
#include "pop3_conversation.hpp"

namespace ringpost::access {

Conversation::Conversation(Service& service, std::shared_ptr<const Snapshot> snapshot, std::size_t index,
                           net::Connection& connection)
    : service_(service),
      snapshot_(std::move(snapshot)),
      index_(index),
      listening_(snapshot_->listeners[index]),
      connection_(connection) {}

// ---- before the greeting

Task<void> Conversation::run() {
  const IpAddress& peer = connection_.peer().address;
  const bool proxy = std::ranges::any_of(listening_.proxy_protocol_from,
                                         [&](const Network& network) { return network.contains(peer); });
  if (proxy && !co_await read_proxy_header()) co_return;
  if (!co_await admit()) co_return;
  if (listening_.implicit_tls && !co_await start_tls()) co_return;
  greet();
  co_await talk();
}

Task<bool> Conversation::read_proxy_header() {
  const Instant until = service_.core().now() + kProxyHeaderTimeout;
  for (;;) {
    const net::ProxyHeader header = net::parse_proxy_header(connection_.input());
    if (header.verdict == net::ProxyVerdict::malformed) co_return false;
    if (header.verdict == net::ProxyVerdict::complete) {
      connection_.consume(header.size);
      if (header.client) connection_.set_peer(*header.client);
      co_return true;
    }
    if (!co_await connection_.receive(until)) co_return false;
  }
}

// Inside implicit TLS nobody would understand a clear word: the connection just ends.
Task<bool> Conversation::admit() {
  const bool busy = service_.core().buffers().tight();
  if (!busy && service_.load(index_) <= listening_.connection_limit) co_return true;
  service_.figures().refused_connections.add();
  if (!listening_.implicit_tls) {
    turn_away(busy ? "The server is busy, try again later" : "Too many connections, try again later");
    co_await send();
  }
  co_return false;
}

// ---- the conversation

Task<bool> Conversation::send() {
  const std::string_view waiting = output();
  if (waiting.empty() && connection_.unsent() == 0) co_return true;
  const std::array<std::span<const std::byte>, 1> pieces{std::as_bytes(std::span(waiting))};
  const auto sent = co_await connection_.flush(service_.core().now() + kSendTimeout, pieces);
  output_sent(pieces[0].size());
  co_return sent.has_value();
}

Task<bool> Conversation::start_tls() {
  const auto done =
      co_await connection_.accept_tls(listening_.tls, service_.core().now() + kHandshakeTimeout);
  if (!done) service_.figures().tls_failures.add();
  co_return done.has_value();
}

Task<Conversation::Next> Conversation::wait_for_input(Instant until) {
  if (!co_await send()) co_return Next::leave;
  if (service_.draining()) {
    turn_away("The server is shutting down");
    co_return Next::go_on;  // the session says `closed` next
  }
  const auto got = co_await connection_.receive(until);
  if (got) co_return Next::go_on;
  if (got.error().kind == ErrorKind::timed_out) {
    service_.figures().timeouts.add();
    turn_away("You have been silent for too long");
    co_return Next::go_on;
  }
  const bool nudged = got.error().kind == ErrorKind::cancelled && !connection_.aborted();
  co_return nudged ? Next::go_on : Next::leave;
}

// ---- the login

Task<void> Conversation::authenticate() {
  sasl::Credentials& given = credentials();
  // RFC 4616 section 2: who asks to act as somebody else must be allowed to, and nobody is.
  const bool as_another =
      !given.authorization_id.empty() && given.authorization_id != given.authentication_id;
  const std::string login = given.authentication_id;
  accounts::Login verdict = accounts::Login::refused;
  if (!as_another)
    verdict = co_await service_.parts().accounts->verify(service_.core(), login, std::move(given.password));
  if (verdict != accounts::Login::accepted) {
    co_await refuse(verdict);
    co_return;
  }
  user_ = canonical_user(login);
  if (!service_.parts().store->ready()) {
    co_await refuse(accounts::Login::unavailable);
    co_return;
  }
  const unsigned owner = service_.parts().store->owner(store::user_id_of(user_));
  if (owner != service_.core().index())
    destination_ = owner;
  else
    co_await open_mailboxes();
}

Task<void> Conversation::refuse(accounts::Login why) {
  service_.figures().auth_failures.add();
  service_.core()
      .events()
      .begin(observe::EventType::rejected, service_.core().wall_now())
      .add(observe::EventKey::peer, to_string(connection_.peer().address))
      .add(observe::EventKey::listener, listening_.name)
      .add(observe::EventKey::reason, why == accounts::Login::refused ? "login refused" : "login unavailable")
      .finish();
  co_await shard::Sleep(service_.core(), kAuthFailureDelay);
  refuse_login(why);
}

Task<void> Conversation::open_mailboxes() {
  auto mail = co_await service_.parts().store->open(user_);
  if (!mail) {
    co_await refuse(accounts::Login::unavailable);
    co_return;
  }
  service_.figures().logins.add();
  begin(std::move(*mail));
}

Task<void> Conversation::arrive(std::string user) {
  user_ = std::move(user);
  co_await open_mailboxes();
  co_await talk();
}

Passage Conversation::pack(net::Handover connection, unsigned slot) {
  Passage passage{.connection = std::move(connection),
                  .snapshot = snapshot_,
                  .index = index_,
                  .slot = slot,
                  .user = user_,
                  .session = pop3::ServerSession(listening_.pop3)};
  give_session(passage);
  return passage;
}

std::unique_ptr<Conversation> make_conversation(Service& service, std::shared_ptr<const Snapshot> snapshot,
                                                std::size_t index, net::Connection& connection) {
  if (snapshot->listeners[index].speaks == Speaks::imap)
    return std::make_unique<ImapConversation>(service, std::move(snapshot), index, connection);
  return std::make_unique<Pop3Conversation>(service, std::move(snapshot), index, connection);
}

std::unique_ptr<Conversation> make_conversation(Service& service, Passage& passage,
                                                net::Connection& connection) {
  auto conversation = make_conversation(service, passage.snapshot, passage.index, connection);
  conversation->take_session(passage);
  return conversation;
}

}  // namespace ringpost::access
