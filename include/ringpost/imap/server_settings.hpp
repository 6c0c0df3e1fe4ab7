// What an IMAP session is told once by its listener. Referenced by every session, changed by none.
//
// Layer: pure. Owner: the configuration snapshot that the session's driver holds; it outlives the session.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ringpost/base/units.hpp"
#include "ringpost/imap/capability.hpp"
#include "ringpost/sasl/mechanism.hpp"

namespace ringpost::imap {

struct ServerSettings {
  std::string hostname = "localhost";
  std::string banner = "Ringpost ready";  // in the greeting
  // What ID answers: name, value.
  std::vector<std::pair<std::string, std::string>> id{{"name", "Ringpost"}};

  bool starttls = false;  // offered while the connection is in clear text
  sasl::MechanismSet mechanisms = sasl::MechanismSet::passwords();
  bool auth_needs_tls = true;           // LOGINDISABLED, and AUTHENTICATE refused, in clear text
  std::uint32_t auth_failures_max = 3;  // then BYE

  CapabilitySet capabilities = CapabilitySet::all();
  // Told as APPENDLIMIT=n; a larger literal is NO [TOOBIG] before it is sent.
  Bytes append_limit = 50_MiB;
  std::vector<std::string> quota_resources{"STORAGE", "MESSAGE"};  // QUOTA=RES-...

  std::uint32_t bad_commands_max = 20;  // BAD in a row, of this many the last is BYE
};

}  // namespace ringpost::imap
