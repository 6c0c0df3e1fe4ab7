// An expression as a tree: what it takes to translate, relax and measure it.
//
// Layer:  pure, private to patterns. Owner: whoever parsed it; nodes are named by their index.
// Scope:  all of Perl's syntax that rules use. What is not understood (verbs, branch reset, \X, \p{}) is no error of the
//         expression: `parse` says so, and PCRE2 alone decides about it.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/patterns/pattern.hpp"

namespace ringpost::patterns {

using ByteSet = std::bitset<256>;
using NodeIndex = std::uint32_t;

inline constexpr std::uint32_t kUnbounded = 0xffffffff;

enum class NodeKind : std::uint8_t {
  empty,
  never,  // (?!), a character that no byte can be
  bytes,  // `text`, perhaps caseless
  set,    // one byte of `set`
  sequence,
  choice,
  repeat,   // children[0], min to max times
  capture,  // children[0], number `number`
  look,     // children[0]
  anchor,
  back_reference,  // to capture `number`
  recursion,       // into capture `number`; 0 is the whole
  conditional,     // children: yes, no
};

enum class Anchor : std::uint8_t {
  text_start,
  line_start,
  text_end,
  text_end_or_newline,
  line_end,
  word,
  not_word,
  other
};
enum class Look : std::uint8_t { ahead, not_ahead, behind, not_behind, atomic };
enum class Greed : std::uint8_t { greedy, lazy, possessive };

struct Node {
  NodeKind kind = NodeKind::empty;
  bool caseless = false;
  Anchor anchor = Anchor::other;
  Look look = Look::ahead;
  Greed greed = Greed::greedy;
  std::uint32_t number = 0;
  std::uint32_t min = 0, max = 0;
  std::string text;
  ByteSet set;
  std::vector<NodeIndex> children;
};

struct Tree {
  std::vector<Node> nodes;
  NodeIndex root = 0;
  std::vector<NodeIndex> captures;  // [number - 1]: the capture node
  std::string pcre2;                // the expression as PCRE2 reads it, flags not included

  const Node& operator[](NodeIndex index) const { return nodes[index]; }
};

// Nothing: it is beyond this parser, which says nothing about its being right or wrong.
std::optional<Tree> parse(const Pattern& pattern);

// The same for texts of ASCII alone: there it matches where the whole does. A root of kind `never`: it matches none.
Tree in_ascii(Tree tree);

// How an expression is written again.
struct Emission {
  bool hyperscan = false;  // Hyperscan's syntax; else PCRE2's
  // Hyperscan: an expression that matches at least wherever the original does.
  bool relaxed = false;
  // Relaxed: without anchors too; and choices with more than `coarse` bytes become "a byte of the first ones, then anything".
  bool anchors = true;
  std::size_t coarse = SIZE_MAX;
  // Relaxed: in a choice that is coarse, what its bytes are behind the first is kept: "a byte of the first ones, then some of
  // those that may follow".
  bool letters = false;
  // Relaxed: a part that may be there several times may be there any number of times, which is small to write out.
  bool rounds = false;
  // Hyperscan: the buffer holds many subjects that each end with a newline.
  bool lines = false;
  // PCRE2: parts that occur often become subroutines, for expressions that are too large otherwise.
  bool subroutines = false;
};
std::string emit(const Tree& tree, const Emission& emission);

// What can be said about an expression without running it.
struct Traits {
  bool exact_in_hyperscan = true;  // as far as the tree tells: nothing that Hyperscan has no way to say
  bool takes_newline = false;      // a newline may be part of a match
  bool anchored = false;           // has ^ $ \A \z \Z anywhere
  std::size_t width_min = 0;
  std::size_t positions = 0;  // after repeats are written out; what Hyperscan's compile time grows with
};
Traits traits_of(const Tree& tree);

// Literals of which at least one is in every subject that matches, in lower case; a subject may have them in any case. Some are
// there `times`, one behind the other.
struct Factor {
  std::vector<std::string> literals;
  std::uint32_t times = 1;
  std::size_t width_min() const;
  // How rare it is in mail, about, as the logarithm to 2 of how many bytes go by between two of them.
  double bits() const;
};
// Those that a match needs all, the rarest first; none that are frequent. One that must be there several times stands alone.
std::vector<Factor> factors_of(const Tree& tree);

// The same with letters in several forms: runs, one of which is in every subject that matches. A byte of `set`, then perhaps some
// of `stay`.
struct Letter {
  ByteSet set;
  ByteSet stay;
  bool operator==(const Letter&) const = default;
};
using Letters = std::vector<Letter>;
struct LettersFactor {
  std::vector<Letters> runs;
  double bits() const;
};
std::vector<LettersFactor> letters_factors_of(const Tree& tree);

}  // namespace ringpost::patterns
