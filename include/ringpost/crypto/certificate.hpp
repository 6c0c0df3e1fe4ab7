// Making a self-signed certificate, and saying what stands in one.
//
// Layer:  pure. PEM text in, PEM text and facts out; the caller reads and writes files and knows the time.
// Limits: crypto/limits.hpp.
// RFCs:   5280 (X.509), 6125 (which names match), 7468 (PEM).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ringpost/base/result.hpp"
#include "ringpost/base/units.hpp"

namespace ringpost::crypto {

struct SelfSignedRequest {
  std::string common_name;         // "mx1.example.com"; stands among the names too
  std::vector<std::string> names;  // more DNS names ("*.example.com") and IP addresses ("127.0.0.1", "::1")
  WallTime not_before;
  Duration valid_for = std::chrono::hours{24} * 365;
};

struct CertificateAndKey {
  std::string certificate_pem;
  std::string key_pem;  // PKCS #8, not encrypted: write it with mode 0600
};

// With a fresh EC P-256 key.
Result<CertificateAndKey> make_self_signed(const SelfSignedRequest& request);

struct CertificateInfo {
  std::string subject;  // "CN=mx1.example.com, O=Example"
  std::string issuer;
  std::vector<std::string> names;  // DNS names, lower case, and IP addresses of the subject alternative names
  WallTime not_before;
  WallTime not_after;
  std::string key;     // "EC prime256v1", "RSA 2048 bits"
  std::string sha256;  // fingerprint of the DER form, 64 hexadecimal digits
  bool self_signed = false;

  // Whether a client that asks for `host` (a DNS name or an IP address) accepts this certificate's names.
  bool covers(std::string_view host) const;
};

// Of the first certificate in the text, which is the server's own; the rest of a chain is not looked at.
Result<CertificateInfo> certificate_info(std::string_view pem);

}  // namespace ringpost::crypto
