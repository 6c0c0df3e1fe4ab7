// Perl's syntax to a tree: one recursive descent over an expression.
//
// Layer:  pure, private to patterns. Owner: one call of `parse`.
// Errors: what it does not read ends the parse at once with a throw of Beyond, which never leaves `parse`.
// Files:  parse.cpp (choices, sequences, counts), parse_groups.cpp (parentheses), parse_bytes.cpp (escapes and brackets).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ringpost/patterns/pattern.hpp"

#include "tree.hpp"

namespace ringpost::patterns {

struct Beyond {};

inline bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
inline bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

class Parser {
 public:
  explicit Parser(const Pattern& pattern) : text_(pattern.expression), flags_(pattern.flags) {}
  Tree run();

 private:
  // The text, from where it stands.
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool done() const { return at_ >= text_.size(); }
  bool take(std::string_view word);
  char next();
  void skip_blanks();
  void skip_spaces();
  std::optional<std::uint32_t> number();
  unsigned digits(unsigned base, std::size_t count);
  unsigned braced(unsigned base);
  std::string_view name_up_to(char end);
  // PCRE2 gets `instead` for what stands from `from` up to here.
  void rewrite(std::size_t from, std::string_view instead);

  // Nodes.
  NodeIndex add(Node node);
  NodeIndex add(NodeKind kind) { return add(Node{.kind = kind}); }
  NodeIndex add_with(NodeKind kind, std::vector<NodeIndex> children) {
    return add({.kind = kind, .children = std::move(children)});
  }
  NodeIndex add_byte(char c) {
    return add({.kind = NodeKind::bytes, .caseless = flags_.caseless, .text = std::string(1, c)});
  }
  NodeIndex add_set(const ByteSet& set) { return add({.kind = NodeKind::set, .set = set}); }
  NodeIndex add_anchor(Anchor anchor) { return add({.kind = NodeKind::anchor, .anchor = anchor}); }
  NodeIndex named(NodeKind kind, std::string_view name);
  NodeIndex numbered(NodeKind kind, std::uint32_t number) {
    return add({.kind = kind, .caseless = flags_.caseless, .number = number});
  }

  // The grammar.
  NodeIndex choice();
  NodeIndex sequence();
  NodeIndex quantified(NodeIndex atom);
  bool braces(std::uint32_t& min, std::uint32_t& max);
  NodeIndex atom();

  NodeIndex group();
  NodeIndex closed(NodeIndex inside);
  NodeIndex scoped();
  NodeIndex capture(std::string_view name);
  NodeIndex look(Look kind);
  NodeIndex conditional();
  NodeIndex flags();

  NodeIndex escape();
  NodeIndex number_escape();
  std::optional<unsigned> character(char c);
  NodeIndex back_reference(char c);
  NodeIndex line_break();
  NodeIndex bracket();
  struct Member {
    ByteSet set;
    std::optional<unsigned> single;  // it may begin or end a range
  };
  Member member();
  std::optional<Member> posix_class();

  std::string_view text_;
  std::size_t at_ = 0;
  Flags flags_;
  Tree tree_;
  unsigned depth_ = 0;
  std::size_t copied_ = 0;
  std::map<std::string, std::uint32_t, std::less<>> names_;
  std::vector<std::pair<NodeIndex, std::string>> named_;
};

}  // namespace ringpost::patterns
