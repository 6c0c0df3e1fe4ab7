#include "ringpost/sasl/scram_keys.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "ringpost/crypto/keyed_hash.hpp"
#include "ringpost/crypto/secret.hpp"
#include "ringpost/mail/base64.hpp"
#include "ringpost/mail/saslprep.hpp"
#include "ringpost/sasl/limits.hpp"

#include "scram.hpp"

namespace ringpost::sasl {

SaltedPassword::SaltedPassword(std::string_view password, std::string_view salt, std::uint32_t iterations) {
  std::optional<std::string> prepared = mail::saslprep(password);
  salted_ = crypto::pbkdf2_sha256(prepared ? std::string_view(*prepared) : password, salt, iterations);
  if (prepared) crypto::wipe(*prepared);
}

SaltedPassword::~SaltedPassword() {
  crypto::wipe(std::span(salted_));
}

crypto::Sha256Digest SaltedPassword::client_key() const {
  return crypto::hmac_sha256(crypto::as_text(salted_), "Client Key");
}

crypto::Sha256Digest SaltedPassword::server_key() const {
  return crypto::hmac_sha256(crypto::as_text(salted_), "Server Key");
}

ScramKey derive_scram_key(std::string_view password, std::string_view salt, std::uint32_t iterations) {
  const SaltedPassword salted(password, salt, iterations);
  crypto::Sha256Digest client = salted.client_key();
  const ScramKey key{crypto::sha256(client), salted.server_key()};
  crypto::wipe(std::span(client));
  return key;
}

std::optional<std::uint32_t> parse_iterations(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (value < kScramIterationsMin || value > kScramIterationsMax) return std::nullopt;
  return value;
}

std::optional<crypto::Sha256Digest> parse_digest(std::string_view base64) {
  const auto bytes = mail::decode_base64(base64);
  if (!bytes || bytes->size() != crypto::kSha256Bytes) return std::nullopt;
  crypto::Sha256Digest digest;
  std::ranges::copy(std::as_bytes(std::span(*bytes)), digest.begin());
  return digest;
}

std::optional<ScramKeys> parse_scram_keys(std::string_view text) {
  std::array<std::string_view, 4> part;
  for (std::size_t i = 0; i < part.size(); ++i) {
    const std::size_t comma = text.find(',');
    if ((comma == std::string_view::npos) != (i + 1 == part.size())) return std::nullopt;
    part[i] = text.substr(0, comma);
    if (comma != std::string_view::npos) text.remove_prefix(comma + 1);
  }
  const auto iterations = parse_iterations(part[0]);
  auto salt = mail::decode_base64(part[1]);
  const auto stored = parse_digest(part[2]);
  const auto server = parse_digest(part[3]);
  if (!iterations || !salt || salt->empty() || !stored || !server) return std::nullopt;
  return ScramKeys{std::move(*salt), *iterations, {{*stored, *server}}};
}

std::string make_nonce(std::span<const std::uint64_t> random) {
  const auto bytes = std::as_bytes(random);
  return mail::base64({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

}  // namespace ringpost::sasl
