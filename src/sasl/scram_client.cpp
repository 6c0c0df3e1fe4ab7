// SCRAM-SHA-256 and -PLUS, the client's side.
#include <span>

#include "ringpost/base/assert.hpp"
#include "ringpost/crypto/keyed_hash.hpp"
#include "ringpost/crypto/secret.hpp"
#include "ringpost/mail/base64.hpp"
#include "ringpost/sasl/limits.hpp"

#include "exchanges.hpp"
#include "scram.hpp"

namespace ringpost::sasl {
namespace {

class ScramClient final : public ClientExchange {
 public:
  ScramClient(const Credentials& credentials, const Material& material, bool plus)
      : credentials_(credentials), nonce_(material.nonce) {
    RP_ASSERT(is_nonce(nonce_));
    RP_ASSERT(!plus || !material.channel_binding.empty());
    // "y": we could bind, had the server offered it.
    header_ = plus ? "p=" + std::string(kBindingName) + "," : material.channel_binding.empty() ? "n," : "y,";
    if (!credentials.authorization_id.empty()) header_ += "a=" + encode_name(credentials.authorization_id);
    header_ += ',';
    if (plus) bound_ = material.channel_binding;
  }

  std::optional<Secret> initial() override {
    bare_ = "n=" + encode_name(credentials_.authentication_id) + ",r=" + nonce_;
    phase_ = Phase::first;
    return Secret(header_ + bare_);
  }

  std::optional<Secret> answer(std::string_view challenge) override {
    if (challenge.size() > kMessageBytesMax) return std::nullopt;
    switch (phase_) {
      case Phase::fresh:
        return challenge.empty() ? initial() : std::nullopt;
      case Phase::first:
        return prove(challenge);
      case Phase::proven:
        return judge(challenge);
      case Phase::done:
        break;
    }
    return std::nullopt;
  }

  bool satisfied() const override { return phase_ == Phase::done; }

 private:
  enum class Phase : std::uint8_t { fresh, first, proven, done };

  // "r=" nonce ",s=" salt ",i=" iterations [extensions]
  std::optional<Secret> prove(std::string_view challenge) {
    std::string_view rest = challenge;
    const auto nonce = take_attribute('r', rest);
    const auto salt_text = take_attribute('s', rest);
    const auto rounds = take_attribute('i', rest);
    if (!nonce || !salt_text || !rounds) return std::nullopt;
    // The server's own part must be there, or an old exchange could be played again.
    if (!nonce->starts_with(nonce_) || nonce->size() == nonce_.size()) return std::nullopt;
    const auto salt = mail::decode_base64(*salt_text);
    const auto iterations = parse_iterations(*rounds);
    if (!salt || salt->empty() || !iterations) return std::nullopt;
    const std::string without_proof = "c=" + mail::base64(header_ + bound_) + ",r=" + std::string(*nonce);
    proven_ = bare_ + "," + std::string(challenge) + "," + without_proof;
    const SaltedPassword salted(credentials_.password.view(), *salt, *iterations);
    crypto::Sha256Digest client_key = salted.client_key();
    const crypto::Sha256Digest proof =
        exclusive_or(client_key, crypto::hmac_sha256(crypto::as_text(crypto::sha256(client_key)), proven_));
    crypto::wipe(std::span(client_key));
    expected_ =
        "v=" +
        mail::base64(crypto::as_text(crypto::hmac_sha256(crypto::as_text(salted.server_key()), proven_)));
    phase_ = Phase::proven;
    return Secret(without_proof + ",p=" + mail::base64(crypto::as_text(proof)));
  }

  std::optional<Secret> judge(std::string_view challenge) {
    const std::string_view proof = challenge.substr(0, challenge.find(','));
    if (!crypto::equal_in_constant_time(proof, expected_)) return std::nullopt;
    phase_ = Phase::done;
    return Secret();
  }

  const Credentials& credentials_;
  std::string nonce_;
  std::string header_;
  std::string bound_;
  std::string bare_;
  std::string proven_;    // AuthMessage
  std::string expected_;  // the server's proof
  Phase phase_ = Phase::fresh;
};

}  // namespace

std::unique_ptr<ClientExchange> make_scram_client(const Credentials& credentials, const Material& material) {
  return std::make_unique<ScramClient>(credentials, material, false);
}
std::unique_ptr<ClientExchange> make_scram_plus_client(const Credentials& credentials,
                                                       const Material& material) {
  return std::make_unique<ScramClient>(credentials, material, true);
}

}  // namespace ringpost::sasl
