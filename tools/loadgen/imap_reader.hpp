// The answers of an IMAP server, one by one, as cheaply as a loader must read them: literals are counted and skipped.
//
// Layer:  tool, pure. No sockets, clock. Owner: one connection.
// Input:  any prefix of the byte stream, split anywhere; the same answers for every split.
// Output: the text of an answer without its literals, at most kImapTextMax of it; an answer that lies in the input whole and has no
//         literal is not copied.
// Limits: kImapLineMax, kImapLiteralMax; beyond them the stream is broken and nothing more comes.
// RFCs:   9051 section 7 (and 3501).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ringpost::loadgen {

inline constexpr std::size_t kImapTextMax = 1024;
// A line is a list of numbers at the longest: of ten million.
inline constexpr std::size_t kImapLineMax = std::size_t{128} << 20;
inline constexpr std::uint64_t kImapLiteralMax = std::uint64_t{1} << 32;

struct ImapAnswer {
  std::string_view text;            // without line end; valid until the next call, and while the input is
  std::uint64_t literal_bytes = 0;  // of all its literals
  std::uint64_t numbers = 0;        // of a SEARCH
};

class ImapReader {
 public:
  // The next answer, or nothing when all of the input is consumed.
  std::optional<ImapAnswer> next(std::span<const std::byte>& input);
  bool broken() const { return broken_; }

 private:
  bool skip_literal(std::span<const std::byte>& input);
  std::optional<ImapAnswer> end_line(std::string_view segment);
  void keep(std::string_view segment);
  std::string text_;  // what came before the segment at hand
  std::string tail_;  // the last bytes of the line, where a literal is announced
  std::size_t line_bytes_ = 0;
  std::uint64_t spaces_ = 0;  // of the answer, for numbers of a SEARCH
  std::uint64_t literal_left_ = 0;
  std::uint64_t literal_bytes_ = 0;
  bool begun_ = false;  // text_ and tail_ belong to an answer that is not over
  bool broken_ = false;
};

// What an answer says, as far as a loader wants to know.
struct ImapLine {
  enum class Kind : std::uint8_t {
    tagged,
    continuation,
    ok,
    no,
    bad,
    bye,
    preauth,
    capability,
    exists,
    expunge,
    fetch,
    search,
    other
  };
  enum class Status : std::uint8_t { ok, no, bad };
  Kind kind = Kind::other;
  Status status = Status::ok;  // tagged
  std::string_view tag;        // tagged
  std::uint64_t number = 0;    // of EXISTS, EXPUNGE, FETCH
  std::string_view code;       // within brackets, of a status response
  std::string_view text;       // behind it; the words of CAPABILITY
};
ImapLine parse_imap(std::string_view answer);
// "NO [OVERQUOTA]", "BAD": what refusals are counted by.
std::string refusal_code(const ImapLine& line);

// Of a capability list, what matters here.
struct ImapAbilities {
  bool known = false;
  bool literal_plus = false;   // RFC 7888
  bool literal_minus = false;  // up to 4096 bytes
  bool login_disabled = false;
  void learn(std::string_view words);
};

// A quoted string (RFC 9051 section 4.3).
std::string imap_quoted(std::string_view text);

}  // namespace ringpost::loadgen
