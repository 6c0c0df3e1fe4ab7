// The answers of a POP3 server, as cheaply as a loader must read them: what is many lines long is counted and not kept.
//
// Layer:  tool, pure. No sockets, clock. Owner: one connection.
// Input:  any prefix of the byte stream, split anywhere; the same answers for every split.
// Limits: kPop3LineMax of the first line of an answer; beyond it the stream is broken and nothing more comes.
// RFCs:   1939, 2449 (response codes).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ringpost::loadgen {

// RFC 2449 section 4: 512 bytes; servers are forgiven four times that.
inline constexpr std::size_t kPop3LineMax = 2048;

struct Pop3Body {
  std::uint64_t lines = 0;
  std::uint64_t bytes = 0;  // without dot stuffing and the final dot
};

class Pop3Reader {
 public:
  // The first line of an answer, without its end; valid until the next call, and while the input is.
  std::optional<std::string_view> line(std::span<const std::byte>& input);
  // The lines behind it, up to the single dot.
  std::optional<Pop3Body> body(std::span<const std::byte>& input);
  bool broken() const { return broken_; }

 private:
  enum class Place : std::uint8_t { line_start, dot, dot_cr, within };
  void step(std::byte byte);
  std::string text_;
  Pop3Body body_;
  Place place_ = Place::line_start;
  bool over_ = false;
  bool whole_ = true;  // text_ belongs to no line that goes on
  bool broken_ = false;
};

// "+OK ..." or "-ERR [CODE] ..."
struct Pop3Line {
  bool ok = false;
  bool known = false;     // one of the two
  std::string_view code;  // "IN-USE"
  std::string_view text;  // behind it
};
Pop3Line parse_pop3(std::string_view line);

}  // namespace ringpost::loadgen
