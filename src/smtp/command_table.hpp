// The verbs of SMTP and LMTP, and what is true of each before its own code runs.
//
// Layer: pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ringpost::smtp {

enum class Verb : std::uint8_t {
  helo,
  ehlo,
  lhlo,
  mail,
  rcpt,
  data,
  bdat,
  rset,
  noop,
  quit,
  vrfy,
  expn,
  help,
  starttls,
  auth,
  etrn,
  foreign,  // GET, POST, CONNECT: a browser that was sent here; nothing that it says may be believed
  unknown,
};

struct VerbTraits {
  std::string_view name;
  Verb verb;
  std::size_t line_bytes_max;  // with CRLF
  bool ends_group;             // RFC 2920 section 3.1, 3207, 4954: the client must wait for the reply
  bool idle;                   // carries no mail: counted, so that nobody keeps a session busy with it
};

struct CommandLine {
  const VerbTraits* traits;
  std::string_view arguments;  // without the spaces around them
};

// `line` without its CRLF. Never fails: what is no verb is Verb::unknown.
CommandLine parse_command(std::string_view line);

// `text` begins with `prefix`, ASCII letters compared without case.
bool begins_with(std::string_view text, std::string_view prefix);

}  // namespace ringpost::smtp
