// The [tls] table of the configuration.
#pragma once

#include <map>
#include <string>

namespace ringpost::tls {

enum class Version : unsigned char { tls_1_2, tls_1_3 };

struct SniOptions {
  std::string certificate;
  std::string key;
};

struct TlsOptions {
  std::string certificate;  // a PEM file: the server's own certificate first, then its issuers; empty: no TLS
  std::string key;          // a PEM file, not encrypted
  Version version_min = Version::tls_1_2;
  std::map<std::string, SniOptions>
      sni;  // by the name that a client asks for, "mail.example.net" or "*.example.net"
};

}  // namespace ringpost::tls
