// SMTP replies: code, enhanced status and text, in both directions.
//
// Layer:   pure.
// Limits:  mail/limits.hpp: lines of a reply, bytes kept of its text; a written line fits 512 octets.
// RFCs:    5321 section 4.2, 3463 and 2034 (enhanced status codes).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ringpost/base/result.hpp"

namespace ringpost::mail {

// RFC 3463: "5.1.1". Class 0 is "none".
struct EnhancedStatus {
  std::uint16_t category = 0;  // 2, 4 or 5
  std::uint16_t subject = 0;   // at most 999
  std::uint16_t detail = 0;    // at most 999

  constexpr bool operator==(const EnhancedStatus&) const = default;
  constexpr bool given() const { return category != 0; }
};
std::string to_string(EnhancedStatus status);  // "5.1.1", or "" for none
// All of `text`.
std::optional<EnhancedStatus> parse_enhanced_status(std::string_view text);

struct Reply {
  int code = 0;           // 200 to 599; 0 is "none"
  EnhancedStatus status;  // as given; see effective_status
  std::string text;       // lines joined by '\n', without codes

  constexpr bool positive() const { return code >= 200 && code < 400; }
  constexpr bool completed() const { return code >= 200 && code < 300; }
  constexpr bool temporary() const { return code >= 400 && code < 500; }
  constexpr bool permanent() const { return code >= 500 && code < 600; }
  bool operator==(const Reply&) const = default;
};

// The status given, when its class is that of the code; otherwise 2.0.0, 4.0.0 or 5.0.0.
EnhancedStatus effective_status(const Reply& reply);
// "550 5.1.1 No such user": on one line, for logs and DSN.
std::string to_string(const Reply& reply);

// Appends "550-5.1.1 ...CRLF550 5.1.1 ...CRLF": a line for each of the text, longer ones wrapped at a space,
// control characters made spaces. The status stands on each line when given.
void append_reply(const Reply& reply, std::string& out);
void append_reply(int code, EnhancedStatus status, std::string_view text, std::string& out);

// Reads a reply line by line.
class ReplyParser {
 public:
  enum class Progress : std::uint8_t { more, complete, malformed };
  // `line` without its line end. Leave the parser alone after complete until take(); after malformed close
  // the connection.
  Progress feed(std::string_view line);
  // The complete reply; the parser starts anew. The enhanced status is taken off the text's lines.
  Reply take();
  // The same into `reply`, whose memory the parser takes in exchange: who reads reply after reply into one
  // place allocates no more once the longest has been seen.
  void take(Reply& reply);
  void reset();

 private:
  Reply reply_;
  std::size_t lines_ = 0;
};

// The reply in all of `text`: lines that end in CRLF or LF, the last end may be missing.
Result<Reply> parse_reply(std::string_view text);

}  // namespace ringpost::mail
