// What a POP3 session is told once by its listener. Referenced by every session, changed by none.
//
// Layer: pure. Owner: the configuration snapshot that the session's driver holds; it outlives the session.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "ringpost/sasl/mechanism.hpp"

namespace ringpost::pop3 {

struct ServerSettings {
  std::string hostname = "localhost";
  std::string banner = "Ringpost ready";
  std::string implementation = "Ringpost";

  bool starttls = false;  // STLS, while the connection is in clear text
  sasl::MechanismSet mechanisms = sasl::MechanismSet::passwords();
  bool auth_needs_tls = true;           // USER, PASS and AUTH are refused in clear text
  std::uint32_t auth_failures_max = 3;  // then the connection ends
  bool utf8 = true;                     // UTF8 and LANG (RFC 6856)

  // EXPIRE: nullopt is NEVER, else days after which mail may be deleted without being asked.
  std::optional<std::uint32_t> expire_days;

  std::uint32_t login_delay = 0;  // LOGIN-DELAY: seconds between two logins of a user; the driver holds to it

  std::uint32_t errors_max = 20;  // -ERR for what is no command, in a row; then the connection ends
};

}  // namespace ringpost::pop3
