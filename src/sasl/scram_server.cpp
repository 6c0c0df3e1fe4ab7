// SCRAM-SHA-256 and -PLUS, the server's side: the client proves that it knows the password, the server that it has the keys.
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

class ScramServer final : public ServerExchange {
 public:
  explicit ScramServer(bool plus) : plus_(plus) {}

  Step start(std::optional<std::string_view> initial) override {
    if (initial) return answer(*initial);
    challenge_ = {};
    return Step::challenge;
  }

  Step answer(std::string_view message) override {
    if (message.size() > kMessageBytesMax) return Step::malformed;
    switch (phase_) {
      case Phase::first:
        return read_first(message);
      case Phase::final:
        return read_final(message);
      case Phase::said_proof:
        return message.empty() ? Step::accepted : Step::malformed;
      case Phase::resting:
        break;
    }
    return Step::malformed;
  }

  Step take_keys(ScramKeys keys, const Material& material) override {
    RP_ASSERT(phase_ == Phase::resting && is_nonce(material.nonce));
    // "y": the client could bind and thinks that we cannot. We can, so somebody took it out of our offer.
    if (could_bind_ && !material.channel_binding.empty()) return Step::refused;
    if (plus_ && material.channel_binding.empty()) return Step::refused;
    keys_ = std::move(keys);
    if (keys_.keys.size() > kScramKeysMax) keys_.keys.resize(kScramKeysMax);
    if (plus_) bound_ = material.channel_binding;
    nonce_ += material.nonce;
    said_ = "r=" + nonce_ + ",s=" + mail::base64(keys_.salt) + ",i=" + std::to_string(keys_.iterations);
    challenge_ = said_;
    phase_ = Phase::final;
    return Step::challenge;
  }

  Step verdict(bool verified) override {
    const auto key = credentials_.key;
    ServerExchange::verdict(verified);
    if (!verified || !key) return Step::refused;
    said_ =
        "v=" +
        mail::base64(crypto::as_text(crypto::hmac_sha256(crypto::as_text(keys_.keys[*key].server), proven_)));
    challenge_ = said_;
    phase_ = Phase::said_proof;
    return Step::challenge;
  }

 private:
  enum class Phase : std::uint8_t { first, resting, final, said_proof };

  // gs2-header client-first-message-bare
  Step read_first(std::string_view message) {
    std::string_view rest = message;
    if (!read_header(rest)) return Step::malformed;
    header_ = message.substr(0, message.size() - rest.size());
    bare_ = rest;
    const auto name = take_attribute('n', rest);
    const auto nonce = take_attribute('r', rest);
    if (!name || !nonce || !is_nonce(*nonce))
      return Step::malformed;  // also "m=": an extension that we must know
    const auto decoded = decode_name(*name);
    if (!decoded || !is_name(*decoded)) return Step::malformed;
    credentials_.authentication_id = *decoded;
    nonce_ = *nonce;
    phase_ = Phase::resting;
    return Step::keys;
  }

  // ("n" | "y" | "p=" name) "," ["a=" name] ","
  bool read_header(std::string_view& rest) {
    const std::size_t comma = rest.find(',');
    if (comma == std::string_view::npos) return false;
    const std::string_view flag = rest.substr(0, comma);
    rest.remove_prefix(comma + 1);
    if (plus_ ? flag != "p=" + std::string(kBindingName) : flag != "n" && flag != "y") return false;
    could_bind_ = flag == "y";
    if (rest.starts_with(',')) {
      rest.remove_prefix(1);
      return true;
    }
    const auto acting_as = take_attribute('a', rest);
    const auto decoded = acting_as ? decode_name(*acting_as) : std::nullopt;
    if (!decoded || !is_name(*decoded)) return false;
    credentials_.authorization_id = *decoded;
    return true;
  }

  // "c=" base64(gs2-header binding) ",r=" nonce [extensions] ",p=" proof
  Step read_final(std::string_view message) {
    const std::size_t proof_at = message.rfind(",p=");
    if (proof_at == std::string_view::npos) return Step::malformed;
    std::string_view rest = message;
    const auto binding = take_attribute('c', rest);
    const auto nonce = take_attribute('r', rest);
    const auto proof = parse_digest(message.substr(proof_at + 3));
    if (!binding || !nonce || !proof) return Step::malformed;
    const bool same =
        crypto::equal_in_constant_time(*binding, mail::base64(header_ + bound_)) && *nonce == nonce_;
    proven_ = bare_ + "," + said_ + "," + std::string(message.substr(0, proof_at));
    credentials_.evidence = Evidence::proof;
    credentials_.key = same ? find_key(*proof) : std::nullopt;
    phase_ = Phase::resting;
    return Step::verify;
  }

  // All are tried, so that time does not tell which one it is.
  std::optional<std::size_t> find_key(const crypto::Sha256Digest& proof) const {
    std::optional<std::size_t> found;
    for (std::size_t i = 0; i < keys_.keys.size(); ++i) {
      const crypto::Sha256Digest& stored = keys_.keys[i].stored;
      const crypto::Sha256Digest client_key =
          exclusive_or(proof, crypto::hmac_sha256(crypto::as_text(stored), proven_));
      const crypto::Sha256Digest hash = crypto::sha256(client_key);
      if (crypto::equal_in_constant_time(std::span(hash), std::span(stored))) found = i;
    }
    return found;
  }

  bool plus_;
  bool could_bind_ = false;
  Phase phase_ = Phase::first;
  std::string header_;  // "n,,"
  std::string bare_;    // client-first-message-bare
  std::string nonce_;   // the client's, then both
  std::string bound_;   // of -PLUS: the channel's binding
  std::string said_;    // what challenge_ shows
  std::string proven_;  // AuthMessage
  ScramKeys keys_;
};

}  // namespace

std::unique_ptr<ServerExchange> make_scram_server() {
  return std::make_unique<ScramServer>(false);
}
std::unique_ptr<ServerExchange> make_scram_plus_server() {
  return std::make_unique<ScramServer>(true);
}

}  // namespace ringpost::sasl
