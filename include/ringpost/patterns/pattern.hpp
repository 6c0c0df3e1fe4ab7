// An expression in Perl's syntax, and how it is written with delimiters and letters: /viagra/i, m{^https?:}x.
//
// Layer:  pure. Bytes, not characters: \w, \s and case are ASCII, \xHH is one byte, \x{NNN} above ff never matches.
// Syntax: Perl 5.36. What PCRE2 reads otherwise ({,n}, blanks inside braces) is translated.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ringpost/base/result.hpp"

namespace ringpost::patterns {

struct Flags {
  bool caseless = false;       // i
  bool multiline = false;      // m
  bool dot_all = false;        // s
  bool extended = false;       // x
  bool extended_more = false;  // xx: blanks inside classes too
  bool no_captures = false;    // n
  bool operator==(const Flags&) const = default;
};

struct Pattern {
  std::string expression;
  Flags flags;
  bool operator==(const Pattern&) const = default;
};

// "/re/imsx", "m!re!", "m{re}", "qr(re)". Letters without a meaning here (g o a u l d p c) are let pass; "e" and "r" are an
// error, as is a delimiter inside that is not escaped.
Result<Pattern> parse_delimited(std::string_view text);
// The letters behind the closing delimiter.
Result<Flags> parse_flags(std::string_view letters);
std::string to_string(const Flags& flags);

// What went by, where a search looks: offsets into the subject.
struct Span {
  std::size_t start = 0;
  std::size_t end = 0;
  bool operator==(const Span&) const = default;
};

enum class Match : std::uint8_t {
  no,
  yes,
  gave_up,  // it reached the limit on backtracking; taken as no, and counted
};

}  // namespace ringpost::patterns
