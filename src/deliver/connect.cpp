// How a flow comes to a server that listens: names, addresses in their order, greeting, TLS, AUTH.
#include <algorithm>

#include <fmt/format.h>

#include "ringpost/deliver/limits.hpp"
#include "ringpost/sasl/client.hpp"

#include "service_state.hpp"

namespace ringpost::deliver {

namespace {

using Kind = smtp::ClientEvent::Kind;

constexpr mail::EnhancedStatus kNoAnswer{4, 4, 1};
constexpr mail::EnhancedStatus kNoTls{4, 7, 4};
constexpr mail::EnhancedStatus kTlsFailed{4, 7, 5};
constexpr mail::EnhancedStatus kLoginFailed{4, 7, 8};
constexpr std::uint16_t kSubmissionsPort = 465;  // TLS from the first byte (RFC 8314)

// What the certificate of a host must say.
std::string certificate_name(const std::string& host) {
  if (!host.starts_with('[')) return host;
  const std::size_t from = host.starts_with("[IPv6:") ? 6 : 1;
  return host.substr(from, host.size() - from - 1);
}

// As the resolver takes it: an address in brackets.
std::string host_text(const std::string& host) {
  const auto address = parse_address(host);
  if (!address) return host;
  return fmt::format("[{}{}]", address->is_ipv6() ? "IPv6:" : "", to_string(*address));
}

}  // namespace

// The last word wins, but what a host that talked to us has said is worth more than that another did not answer.
void Flow::note_trouble(mail::Reply reply, bool permanent) {
  const bool talked = connection_ != nullptr;
  if (trouble_.talked && !talked) return;
  trouble_ = {permanent, talked, std::move(reply), host_, remote_};
}

Task<bool> Flow::connect() {
  resolve::Route way = co_await find_way();
  if (!way.refusal && (co_await try_hosts(way, false) || co_await try_hosts(way, true))) co_return true;
  service_.figures.connections_failed.add();
  if (!way.refusal) co_return false;
  if (way.refusal->kind != ErrorKind::permanent) service_.figures.dns_failures.add();
  note_trouble(our_word(mail::parse_enhanced_status(way.refusal->status).value_or(mail::EnhancedStatus{}),
                        way.refusal->text),
               way.refusal->kind == ErrorKind::permanent);
  co_return false;
}

Task<resolve::Route> Flow::find_way() {
  const Instant until = core_.now() + kResolveTimeout;
  const Route route = destination_.route;
  const auto port = static_cast<std::uint16_t>(settings_->deliver.port);
  if (route.via == Via::mx)
    co_return co_await service_.parts.resolver->resolve_mx(destination_.domain, until, port);
  co_return co_await service_.parts.resolver->resolve_host(host_text(route.host), until, route.port);
}

// Those that did not answer lately come last.
Task<bool> Flow::try_hosts(resolve::Route& way, bool dead_ones) {
  for (std::size_t index = 0; tried_.size() < kEndpointsTriedMax; ++index) {
    const resolve::MailHost* found =
        co_await service_.parts.resolver->host(way, index, core_.now() + kResolveTimeout);
    if (found == nullptr) break;
    const resolve::MailHost host = *found;
    for (const Endpoint& endpoint : host.endpoints) {
      if (tried_.size() >= kEndpointsTriedMax || aborted_ || service_.draining) co_return false;
      if (std::ranges::find(tried_, endpoint) != tried_.end()) continue;
      if (!dead_ones && service_.hosts.dead(endpoint, core_.now())) continue;
      tried_.push_back(endpoint);
      if (co_await try_endpoint(host, endpoint)) co_return true;
    }
  }
  co_return false;
}

Task<bool> Flow::try_endpoint(const resolve::MailHost& host, Endpoint endpoint) {
  host_ = host.name;
  remote_ = to_string(endpoint);
  for (const bool clear : {false, true}) {
    auto connection = co_await net::connect(core_, endpoint, std::nullopt,
                                            core_.now() + settings_->deliver.connect_timeout, &dial_);
    if (!connection && connection.error().kind == ErrorKind::cancelled)
      co_return false;  // no news of the host
    if (!connection) {
      service_.hosts.note_dead(endpoint, core_.now());
      note_trouble(our_word(kNoAnswer, connection.error().text));
      co_return false;
    }
    connection_ = std::move(*connection);
    if (aborted_ || service_.draining) connection_->abort();
    const Hello hello = co_await greet(host, endpoint, clear);
    if (hello == Hello::ready) {
      service_.hosts.note_alive(endpoint);
      co_return true;
    }
    co_await drop_connection();
    if (hello == Hello::next_host) co_return false;
  }
  co_return false;
}

bool Flow::wants_tls(Endpoint endpoint, bool clear) const {
  if (service_.parts.tls == nullptr || settings_->shaping.tls == shaping::TlsUse::none) return false;
  if (settings_->shaping.tls == shaping::TlsUse::required) return true;
  return !clear && session_->capabilities().starttls && !service_.hosts.tls_broken(endpoint, core_.now());
}

Task<Flow::Hello> Flow::greet(const resolve::MailHost& host, Endpoint endpoint, bool clear) {
  session_.emplace(client_settings_);
  tls_.clear();
  lost_ = {};
  messages_ = 0;
  if (endpoint.port == kSubmissionsPort) {
    const Hello secure = co_await hand_shake(host, endpoint, true);
    if (secure != Hello::ready) co_return secure;
  }
  smtp::ClientEvent event = co_await next_event(settings_->deliver.command_timeout);
  if (event.kind == Kind::ready && !connection_->secure() && wants_tls(endpoint, clear)) {
    const Hello secure = co_await hand_shake(host, endpoint, false);
    if (secure != Hello::ready) co_return secure;
    event = co_await next_event(settings_->deliver.command_timeout);
  }
  if (event.kind != Kind::ready) {
    // A server that refuses to talk at all is tried later, whatever its code says: it has not seen our mail.
    note_trouble(lost_.text.empty() ? session_->reply() : lost_);
    co_return Hello::next_host;
  }
  if (destination_.route.username.empty()) co_return Hello::ready;
  co_return co_await log_in();
}

Task<Flow::Hello> Flow::hand_shake(const resolve::MailHost& host, Endpoint endpoint, bool implicit) {
  const bool required = settings_->shaping.tls == shaping::TlsUse::required;
  if (service_.parts.tls == nullptr) {
    note_trouble(our_word(kNoTls, "TLS is needed here, and this server has none"));
    co_return Hello::next_host;
  }
  if (!implicit) {
    if (!session_->capabilities().starttls) {
      note_trouble(our_word(kNoTls, "TLS is required, but was not offered"));
      co_return Hello::next_host;
    }
    session_->start_tls();
    const smtp::ClientEvent event = co_await next_event(settings_->deliver.command_timeout);
    if (event.kind != Kind::tls_ready) {
      note_trouble(lost_.text.empty() ? session_->reply() : lost_);
      if (!required) service_.hosts.note_tls_broken(endpoint, core_.now());
      co_return required ? Hello::next_host : Hello::again_in_clear;
    }
    connection_->discard_input();
    co_await shard::Yield{core_};  // what came is on loan from the kernel until we let go
  }
  const tls::Destination to{
      .server_name = certificate_name(host.name),
      .verification = required ? tls::Verification::required : tls::Verification::opportunistic,
      .session_key = fmt::format("{} {}", host.name, remote_)};
  const auto done =
      co_await connection_->connect_tls(*service_.parts.tls, to, core_.now() + kHandshakeTimeout);
  if (!done) {
    note_trouble(our_word(kTlsFailed, done.error().text));
    if (required || implicit) co_return Hello::next_host;
    service_.figures.tls_fallbacks.add();
    service_.hosts.note_tls_broken(endpoint, core_.now());
    co_return Hello::again_in_clear;
  }
  const tls::Facts& facts = *connection_->tls_facts();
  tls_ = fmt::format("{} {}", tls::to_string(facts.version), facts.cipher);
  if (!implicit) session_->tls_started();
  co_return Hello::ready;
}

// A password goes over TLS, to this very host, or where the operator has turned TLS off.
bool Flow::may_send_password() const {
  return connection_->secure() || settings_->shaping.tls == shaping::TlsUse::none ||
         connection_->peer().address.is_loopback();
}

Task<Flow::Hello> Flow::log_in() {
  const auto mechanism = sasl::choose(session_->capabilities().mechanisms);
  if (!mechanism) {
    note_trouble(our_word(kLoginFailed, "the server offers no AUTH mechanism that we have"));
    co_return Hello::next_host;
  }
  if (!may_send_password()) {
    note_trouble(our_word(kLoginFailed, "the password is not sent without TLS"));
    co_return Hello::next_host;
  }
  credentials_.authentication_id = destination_.route.username;
  credentials_.password = sasl::Secret(destination_.route.password);
  session_->authenticate(*mechanism, credentials_);
  const smtp::ClientEvent event = co_await next_event(settings_->deliver.command_timeout);
  credentials_.wipe();
  if (event.kind == Kind::authenticated) co_return Hello::ready;
  note_trouble(lost_.text.empty() ? session_->reply() : lost_);
  co_return Hello::next_host;
}

}  // namespace ringpost::deliver
