// What a server session is told once by its listener. Referenced by every session, changed by none.
//
// Layer: pure. Owner: the configuration snapshot that the session's driver holds; it outlives the session.
#pragma once

#include <cstdint>
#include <string>

#include "ringpost/base/units.hpp"
#include "ringpost/sasl/mechanism.hpp"

namespace ringpost::smtp {

enum class Dialect : std::uint8_t {
  smtp,
  submission,  // RFC 6409: AUTH before MAIL
  lmtp,        // RFC 2033: LHLO, and one reply for each recipient after the body
};

enum class TlsOffer : std::uint8_t {
  none,
  offered,   // STARTTLS
  required,  // STARTTLS, and no mail before it: 530 5.7.0
};

enum class BareLineEnding : std::uint8_t {
  refuse,     // the body is taken to its end, then 550 5.5.2
  normalise,  // a CR or LF that stands alone becomes CRLF
};

struct ServerSettings {
  Dialect dialect = Dialect::smtp;
  std::string hostname = "localhost";  // first word of the greeting, of EHLO's reply, of 221 and 421
  std::string banner = "ESMTP";        // after the hostname in the greeting

  TlsOffer tls = TlsOffer::none;
  sasl::MechanismSet mechanisms;        // empty: AUTH is 502 and not advertised; see offer_mechanisms()
  bool auth_needs_tls = true;           // AUTH in clear text is 538 5.7.11 and not advertised
  bool auth_required = false;           // MAIL before AUTH is 530 5.7.0; always so in Dialect::submission
  std::uint32_t auth_failures_max = 3;  // then 421 4.7.0

  Bytes message_size_max = 50_MiB;  // advertised with SIZE; beyond: 552 5.3.4
  // Of a transaction; beyond: 452 4.5.3. 100 (RFC 5321 section 4.5.3.1.8) to mail::kRecipientsMax.
  std::uint32_t recipients_max = 1000;
  // With CRLF; beyond: 554 5.6.0. RFC 5321 section 4.5.3.1.6 has 1000, but real mail is longer.
  Bytes text_line_max = 1_MiB;

  bool smtputf8 = true;
  bool chunking = true;  // BDAT; with it BINARYMIME
  bool dsn = true;

  BareLineEnding bare_line_ending = BareLineEnding::refuse;
  bool strict_8bit = false;       // 8-bit body without BODY=8BITMIME: 554 5.6.0
  bool helo_required = true;      // MAIL before EHLO or HELO: 503 5.5.1
  bool refuse_early_talk = true;  // bytes before the greeting: 554 5.5.0 instead of it
  // Input behind a command that must end its group: 503 5.5.0, closed.
  bool refuse_unauthorised_pipelining = true;

  std::uint32_t errors_max = 20;          // protocol errors since the last accepted message; then 421 4.7.0
  std::uint32_t rejections_max = 100;     // MAIL and RCPT refused by policy since then; then 421 4.7.0
  std::uint32_t idle_commands_max = 100;  // NOOP, RSET, VRFY, HELP ... since then; each further is an error
};

}  // namespace ringpost::smtp
