// The header of a message: its fields, one after the other, without copying.
//
// Layer:   pure. Reads CRLF and LF lines alike, and any bytes: what is no field is skipped and flagged.
// Owner:   whoever holds the message's bytes; everything returned points into them.
// Limits:  kHeaderFieldsMax.
// RFCs:    5322 sections 2.2 and 3.6, 6532.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace ringpost::mail {

struct HeaderField {
  std::string_view name;   // without the colon and blanks before it
  std::string_view value;  // as it is: folded, without the line end after it, with the blank after the colon
  std::size_t offset = 0;  // of the name in the message
  std::size_t size = 0;    // with the last line end
};

class HeaderReader {
 public:
  explicit HeaderReader(std::string_view message) : message_(message) {}

  // The next field, or nullopt at the end of the header.
  std::optional<HeaderField> next();
  // After the last field: where the empty line, or the body if there is none, begins.
  std::size_t end_offset() const { return offset_; }
  // After the last field: where the body begins.
  std::size_t body_offset() const;
  bool saw_malformed() const { return malformed_; }

 private:
  std::size_t line_end(std::size_t from) const;  // the offset after the line end
  bool at_separator() const;

  std::string_view message_;
  std::size_t offset_ = 0;
  std::size_t fields_ = 0;
  bool malformed_ = false;
  bool ended_ = false;
};

// The value in one line: line ends removed, blanks at both ends too.
std::string unfold(std::string_view value);
std::string_view trim(std::string_view text);  // blanks, tabs, CR and LF at both ends

// The first field of that name, any case.
std::optional<HeaderField> find_field(std::string_view message, std::string_view name);
std::size_t count_fields(std::string_view message, std::string_view name);

// What loop detection needs (RFC 5321 section 6.3).
struct HopCount {
  std::size_t received = 0;
  std::size_t delivered_to = 0;
};
HopCount count_hops(std::string_view message);
// A Delivered-To field already names this canonical address: the message has been here.
bool delivered_to_before(std::string_view message, std::string_view canonical_address);

}  // namespace ringpost::mail
