// The parts of SCRAM that both sides share: salted passwords, attributes, names.
//
// Layer: pure, private to sasl.
// RFCs:  5802 sections 3, 5.1 and 7.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ringpost/sasl/scram_keys.hpp"

namespace ringpost::sasl {

// RFC 9266: the only kind of binding that TLS 1.3 has, and the only one here.
inline constexpr std::string_view kBindingName = "tls-exporter";

// Hi(Normalize(password), salt, i); wiped when dropped.
class SaltedPassword {
 public:
  SaltedPassword(std::string_view password, std::string_view salt, std::uint32_t iterations);
  ~SaltedPassword();
  SaltedPassword(const SaltedPassword&) = delete;
  SaltedPassword& operator=(const SaltedPassword&) = delete;
  crypto::Sha256Digest client_key() const;
  crypto::Sha256Digest server_key() const;

 private:
  crypto::Sha256Digest salted_;
};

std::optional<std::uint32_t> parse_iterations(std::string_view text);
std::optional<crypto::Sha256Digest> parse_digest(std::string_view base64);
crypto::Sha256Digest exclusive_or(const crypto::Sha256Digest& a, const crypto::Sha256Digest& b);

// Takes "x=value" from the front of "x=value,y=...": the value, up to the comma, or nullopt when the next attribute is
// another one. The comma goes too.
std::optional<std::string_view> take_attribute(char name, std::string_view& text);

// A name in a message has "=2C" for a comma and "=3D" for an equals sign.
std::string encode_name(std::string_view name);
std::optional<std::string> decode_name(std::string_view text);

// Printable ASCII but the comma, not empty, not too long.
bool is_nonce(std::string_view text);

}  // namespace ringpost::sasl
