// Up to the first transaction: greeting, EHLO, STARTTLS, AUTH.
#include <fmt/format.h>

#include "ringpost/base/assert.hpp"
#include "ringpost/sasl/secret_base64.hpp"
#include "ringpost/smtp/client_session.hpp"

#include "capabilities.hpp"

namespace ringpost::smtp {

using Kind = ClientEvent::Kind;

ClientSession::MaybeEvent ClientSession::on_greeting() {
  if (!reply_.completed()) return event(Kind::refused);
  say_hello(Expect::ehlo);
  return std::nullopt;
}

void ClientSession::say_hello(Expect verb) {
  const std::string_view word = verb == Expect::helo ? "HELO" : settings_->lmtp ? "LHLO" : "EHLO";
  fmt::format_to(std::back_inserter(output_), "{} {}\r\n", word, settings_->helo);
  expect(verb);
  phase_ = Phase::hello;
}

ClientSession::MaybeEvent ClientSession::on_ehlo() {
  if (reply_.completed()) {
    capabilities_ = parse_capabilities(reply_.text);
    phase_ = Phase::ready;
    return event(Kind::ready);
  }
  // RFC 5321 section 3.2: an old server says 5yz. "Come back later" is no reason to speak differently.
  if (!reply_.permanent() || settings_->lmtp) return event(Kind::refused);
  say_hello(Expect::helo);
  return std::nullopt;
}

ClientSession::MaybeEvent ClientSession::on_helo() {
  if (!reply_.completed()) return event(Kind::refused);
  capabilities_ = Capabilities{};
  phase_ = Phase::ready;
  return event(Kind::ready);
}

void ClientSession::start_tls() {
  RP_ASSERT(phase_ == Phase::ready && expected_.empty());
  output_ += "STARTTLS\r\n";
  expect(Expect::starttls);
  phase_ = Phase::secret;
}

ClientSession::MaybeEvent ClientSession::on_starttls(Input& input) {
  if (reply_.code == 220) {
    // Bytes behind the 220 came in clear from somewhere on the way; inside TLS they would look like the server's.
    if (!input.empty()) return break_off("bytes in clear behind the reply to STARTTLS");
    phase_ = Phase::in_tls;
    return event(Kind::tls_ready);
  }
  if (reply_.code < 400) return break_off("unexpected reply to STARTTLS");
  phase_ = Phase::ready;
  return event(Kind::tls_refused);
}

void ClientSession::tls_started() {
  RP_ASSERT(phase_ == Phase::in_tls);
  capabilities_ = Capabilities{};
  say_hello(Expect::ehlo);
}

void ClientSession::authenticate(sasl::Mechanism mechanism, const sasl::Credentials& credentials,
                                 const sasl::Material& material) {
  RP_ASSERT(phase_ == Phase::ready && expected_.empty());
  exchange_ = sasl::make_client(mechanism, credentials, material);
  fmt::format_to(std::back_inserter(output_), "AUTH {}", sasl::traits(mechanism).name);
  phase_ = Phase::secret;
  if (const std::optional<sasl::Secret> initial = exchange_->initial()) {
    output_ += ' ';
    if (initial->empty()) {
      output_ += "=\r\n";
      return expect(Expect::auth);
    }
    return send_secret(initial);
  }
  output_ += "\r\n";
  expect(Expect::auth);
}

// nullopt cancels the exchange.
void ClientSession::send_secret(const std::optional<sasl::Secret>& message) {
  if (message) {
    output_secret_ = true;
    // Room first: a string that grows leaves what it held behind.
    output_.reserve(output_.size() + 4 * (message->view().size() / 3 + 1) + 2);
    mail::append_base64(message->view(), output_);
  } else {
    output_ += '*';
  }
  output_ += "\r\n";
  expect(Expect::auth);
}

ClientSession::MaybeEvent ClientSession::on_auth() {
  if (reply_.code == 334) {
    const std::optional<sasl::Secret> challenge = sasl::decode_secret(reply_.text);
    send_secret(challenge ? exchange_->answer(challenge->view()) : std::nullopt);
    return std::nullopt;
  }
  if (reply_.code >= 300 && reply_.code < 400) return break_off("unexpected reply to AUTH");
  if (reply_.completed() && !exchange_->satisfied())
    return break_off("the server did not prove that it knows the password");
  exchange_.reset();
  phase_ = Phase::ready;
  return event(reply_.completed() ? Kind::authenticated : Kind::auth_refused);
}

}  // namespace ringpost::smtp
