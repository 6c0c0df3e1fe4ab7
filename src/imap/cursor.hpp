// Reads a whole command: its lines and literals as they arrived, without the last CRLF.
//
// Layer:   private to `imap`.
// Input:   any bytes. A function that returns false has left its reason in fault(); then the rest is not looked at.
// RFCs:    9051 section 9.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ringpost/imap/command.hpp"
#include "ringpost/imap/number_set.hpp"
#include "ringpost/imap/status_response.hpp"

namespace ringpost::imap {

// What "{n}" at the end of a line announces.
struct LiteralHead {
  std::size_t offset = 0;  // of the "{" or "~{" in the line
  std::uint64_t size = 0;
  bool unasked = false;   // "{n+}": it comes without waiting
  bool binary = false;    // "~{n}"
  bool overflow = false;  // the number is none that fits 63 bits
};
// `line` has no line end.
std::optional<LiteralHead> find_literal_head(std::string_view line);

class Cursor {
 public:
  explicit Cursor(std::string_view text) : text_(text) {}

  // ---- reasons ----
  bool fail(std::string_view reason);
  bool fail(const StatusResponse& why);
  const StatusResponse& fault() const { return fault_; }

  // ---- places ----
  bool at_end() const { return at_ == text_.size(); }
  std::size_t offset() const { return at_; }
  char peek() const { return at_end() ? '\0' : text_[at_]; }
  std::string_view rest() const { return text_.substr(at_); }
  // Nothing but blanks follows.
  bool end();
  bool skip(char c);  // if it is there
  bool expect(char c);
  bool space() { return expect(' '); }
  // A word in any case, if it is there and ends there.
  bool skip_word(std::string_view word);

  // ---- tokens ----
  template <class Is>
  std::string_view take_while(Is is) {
    const std::size_t begin = at_;
    while (at_ < text_.size() && is(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }
  bool atom(std::string_view& out);
  bool string(std::string& out);  // quoted or literal
  bool skip_empty_string();       // "" or {0}
  bool astring(std::string& out);
  bool nstring(std::optional<std::string>& out);
  bool number(std::uint64_t& out, std::uint64_t most = INT64_MAX);
  bool number32(std::uint32_t& out, bool zero_allowed);
  bool set(SequenceSet& out);         // with '*' and "$"
  bool one_of_set(SequenceSet& out);  // a number, or '*'
  bool known_set(NumberSet& out);     // without
  bool page(Page& out);               // "1:100", "-1:-100"
  bool mailbox(bool utf8, std::string& out);
  // "(" one *(SP one) ")", or "()" when `empty_allowed`.
  template <class One>
  bool list(One one, bool empty_allowed = false) {
    if (!expect('(')) return false;
    if (empty_allowed && skip(')')) return true;
    do {
      if (!one()) return false;
    } while (skip(' '));
    return expect(')');
  }

 private:
  bool quoted(std::string& out);
  bool literal(std::string& out);
  bool range(SequenceSet::Range& out);
  bool range_end(std::uint32_t& out);

  std::string_view text_;
  std::size_t at_ = 0;
  StatusResponse fault_{Condition::bad, {}, {}};
};

}  // namespace ringpost::imap
