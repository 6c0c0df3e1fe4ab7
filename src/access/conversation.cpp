#include "conversation.hpp"

#include <array>

#include "ringpost/net/proxied_client.hpp"
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
  if (!co_await net::find_client(connection_, listening_.proxy_protocol_from)) co_return;
  if (!co_await admit()) co_return;
  if (listening_.implicit_tls && !co_await start_tls()) co_return;
  greet();
  co_await talk();
  co_await leave();
  if (observe::SessionTrace* trace = traced()) trace->ended(service_.core().wall_now());
}

Task<void> Conversation::run_for(std::string user) {
  user_ = login_ = std::move(user);
  auto mail = co_await service_.parts().store->open(user_);
  if (mail)
    greet_known(std::move(*mail));
  else
    turn_away(mail.error().text);
  co_await talk();
  co_await leave();
}

// Inside implicit TLS nobody would understand a clear word: the connection just ends.
Task<bool> Conversation::admit() {
  const IpAddress peer = connection_.peer().address;
  const bool busy = service_.core().buffers().tight();
  bool one_too_many = service_.load(index_) > listening_.connection_limit;
  if (!busy && !one_too_many && !listening_.uncounted(peer)) {
    const net::Admission admission =
        co_await service_.parts().clients->connect(service_.core(), peer, &listening_.client_rules);
    counted_ = admission == net::Admission::admitted;
    one_too_many = !counted_ && admission != net::Admission::uncounted;
  }
  if (!busy && !one_too_many) co_return true;
  service_.figures().refused_connections.add();
  if (!listening_.implicit_tls) {
    turn_away(busy ? "The server is busy, try again later" : "Too many connections, try again later");
    co_await send();
  }
  co_return false;
}

Task<void> Conversation::uncount() {
  if (std::exchange(counted_, false))
    co_await service_.parts().clients->disconnect(service_.core(), connection_.peer().address);
}

// ---- what an operator may look at

observe::SessionTrace* Conversation::traced() {
  return trace_.by(service_.core().trace(), [this] {
    using Protocol = observe::SessionTrace::Protocol;
    return observe::SessionTrace::About{
        .protocol = listening_.speaks == Speaks::imap ? Protocol::imap : Protocol::pop3,
        .core = service_.core().index(),
        .peer = connection_.peer(),
        .place = listening_.name};
  });
}

void Conversation::trace_said(observe::Speaker who, std::string_view text) {
  observe::SessionTrace* const trace = traced();
  if (trace == nullptr) return;
  if (!login_.empty()) trace->account(login_);
  trace->said(who, text, service_.core().wall_now());
}

void Conversation::trace_input(std::span<const std::byte> consumed, std::size_t mail) {
  observe::SessionTrace* const trace = traced();
  if (trace == nullptr) return;
  const auto commands = consumed.first(consumed.size() - mail);
  trace->said(observe::Speaker::client, {reinterpret_cast<const char*>(commands.data()), commands.size()},
              service_.core().wall_now());
  trace->body(mail);
}

// ---- the conversation

Task<bool> Conversation::send() {
  const std::string_view waiting = output();
  trace_said(observe::Speaker::server, waiting);
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

Task<bool> Conversation::wait_for_input() {
  if (!co_await send()) co_return false;
  if (in_idle()) connection_.rest();
  if (service_.draining()) {
    turn_away("The server is shutting down");
    co_return true;  // the session says `closed` next
  }
  const Duration patience = logged_in() ? listening_.idle_timeout : kLoginTimeout;
  const auto got = co_await connection_.receive(service_.core().now() + patience);
  if (got) co_return true;
  if (got.error().kind == ErrorKind::timed_out) {
    service_.figures().timeouts.add();
    turn_away("You have been silent for too long");
    co_return true;
  }
  co_return got.error().kind == ErrorKind::cancelled && !connection_.aborted();
}

// ---- the login

sasl::MechanismSet Conversation::mechanisms() const {
  const tls::Facts* facts = connection_.tls_facts();
  const bool bound =
      facts != nullptr && facts->version == tls::Version::tls_1_3;  // see Session::channel_binding
  return service_.desk().mechanisms(bound);
}

Task<void> Conversation::authenticate(sasl::Credentials credentials) {
  const accounts::LoginVerdict verdict =
      co_await service_.desk().judge(std::move(credentials), login_client());
  if (!verdict.accepted) {
    refuse_login(verdict);
    co_return;
  }
  login_ = verdict.name;
  user_ = canonical_user(verdict.name);
  // At a start connections come before the mailboxes have been read.
  const Instant patience = service_.core().now() + kMailboxesWait;
  while (!service_.parts().store->ready() && service_.core().now() < patience && !connection_.aborted())
    co_await shard::Sleep(service_.core(), service_.core().now() + kMailboxesPoll);
  if (!service_.parts().store->ready()) {
    mailboxes_are_away();
    co_return;
  }
  const unsigned owner = service_.parts().store->owner(store::user_id_of(user_));
  if (owner != service_.core().index())
    destination_ = owner;
  else
    co_await open_mailboxes();
}

void Conversation::mailboxes_are_away() {
  service_.desk().note("mailboxes unavailable", login_client(), login_);
  refuse_login({.name = {}, .refusal = sasl::Refusal::temporary, .postponed = {}});
}

Task<void> Conversation::open_mailboxes() {
  auto mail = co_await service_.parts().store->open(user_);
  if (!mail) {
    mailboxes_are_away();
    co_return;
  }
  service_.figures().logins.add();
  begin(std::move(*mail));
}

Task<void> Conversation::arrive(std::unique_ptr<Passage> passage) {
  user_ = std::move(passage->user);
  login_ = std::move(passage->login);
  counted_ = passage->counted;
  const bool continues = passage->continues;
  take_session(*passage);
  passage.reset();
  if (!continues) co_await open_mailboxes();
  if (!continues || co_await go_on()) co_await talk();
  co_await leave();
  if (observe::SessionTrace* trace = traced()) trace->ended(service_.core().wall_now());
}

// It would find nobody there: the whole server is going down.
Task<void> Conversation::stay_away() {
  destination_.reset();
  turn_away("The server is shutting down");
  co_await send();
}

Passage Conversation::pack(net::Handover connection, unsigned slot) {
  Passage passage{.connection = std::move(connection),
                  .snapshot = snapshot_,
                  .index = index_,
                  .slot = slot,
                  .destination = *destination_,
                  .user = std::move(user_),
                  .login = std::move(login_),
                  .counted = std::exchange(counted_, false),
                  .continues = logged_in(),
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

}  // namespace ringpost::access
