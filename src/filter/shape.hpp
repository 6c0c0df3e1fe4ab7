// Matches a line against a shape, "%h (%r [%i]) by %b ": what stands in it literally must, the rest is taken.
//
// Layer:   private to `filter`. Bounded: all matches of one line together give up after kShapeStepsMax bytes.
//
//   %h %r %b %d %e %x   a word (no blanks) that goes to helo, rdns, by, ident, envelope or nowhere; in capitals it may be empty
//   %i                  an IP address               %n   digits
//   %[ %]               a bracket or none           %_   a blank or none
//   %*                  anything                    %)   anything without ')'
//   %^                  HELO or EHLO                %p   ":25", ".25" or nothing       %z   "%eth0" or nothing
//   $                   the end                     the shape begins where the line does
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace ringpost::filter {

// Bytes that shapes look at in one line: what servers write takes a few thousand for all shapes together.
inline constexpr std::size_t kShapeStepsMax = 200'000;

struct ShapeWords {
  std::string_view helo, rdns, by, ident, envelope, ip;
};

class ShapeMatch {
 public:
  // `steps`: what other shapes have taken of that line.
  ShapeMatch(std::string_view line, std::size_t& steps) : line_(line), steps_(steps) {}
  bool matches(std::string_view shape);
  const ShapeWords& words() const { return words_; }

 private:
  bool spend(std::size_t bytes = 1) { return (steps_ += bytes) <= kShapeStepsMax; }
  bool step(std::string_view shape, std::size_t at);
  bool word(char kind, std::string_view rest, std::size_t at, bool may_be_empty);
  bool special(char kind, std::string_view rest, std::size_t at);
  bool spans(std::string_view rest, std::size_t at, std::size_t least, std::size_t most);

  std::string_view line_;
  ShapeWords words_;
  std::size_t& steps_;
};

// The address that begins at `at`; 0 when none does. As long as it can be.
std::size_t ip_size_at(std::string_view text, std::size_t at);

}  // namespace ringpost::filter
