// One response of an IMAP server as values.
//
// Layer: private to `migrate`; pure.
// Input: a whole response: its line, with each literal behind its "{n}" CRLF.
// RFCs:  9051 sections 4 and 7, 3501.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/base/result.hpp"

namespace ringpost::migrate {

struct ImapValue {
  enum class Kind : std::uint8_t { word, text, nil, list };
  Kind kind = Kind::nil;
  std::string text;  // of a word or a string
  std::vector<ImapValue> items;
};

struct ImapReply {
  std::string tag;           // "*", "+", or a command's
  std::string word;          // upper case: OK, NO, LIST, FETCH
  std::uint32_t number = 0;  // before FETCH, EXISTS
  std::string code;          // of a status, without brackets: "UIDVALIDITY 1"
  std::string text;          // behind a status or "+"
  std::vector<ImapValue> values;

  // Of FETCH and STATUS: what follows the name in the last list; null: it is not there. "BODY[" is the start of a name.
  const ImapValue* item(std::string_view name) const;
  // "UIDVALIDITY" of the code.
  std::optional<std::uint32_t> code_number(std::string_view name) const;
};
Result<ImapReply> parse_imap_reply(std::string raw);

// The size of the literal that a line ends in, without its CRLF; nothing: it has none.
std::optional<std::uint64_t> literal_at_end(std::string_view line);

}  // namespace ringpost::migrate
