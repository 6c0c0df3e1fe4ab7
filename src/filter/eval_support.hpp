// What the families of eval functions share.
//
// Layer:   private to `filter`.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "ringpost/filter/eval.hpp"
#include "ringpost/filter/message_view.hpp"
#include "ringpost/patterns/expression.hpp"

namespace ringpost::filter {

// An expression of this program, "/a b/i": made at its first use and kept.
class Re {
 public:
  explicit Re(std::string_view delimited);
  bool in(std::string_view text, const EvalCall& call) const;
  // The first group of the first match; nullopt when it does not match.
  std::optional<std::string> group(std::string_view text, const EvalCall& call) const;
  // Calls `use` with the text of each match, until that gives false.
  template <class Use>
  void each(std::string_view text, const EvalCall& call, Use use) const {
    std::array<patterns::Span, 2> spans{};
    for (std::size_t from = 0; from <= text.size();) {
      spans.fill({SIZE_MAX, SIZE_MAX});
      if (expression_.search(text, from, call.message.scratch(), spans) != patterns::Match::yes) return;
      const patterns::Span span = spans[1].start == SIZE_MAX ? spans[0] : spans[1];
      if (!use(text.substr(span.start, span.end - span.start))) return;
      from = spans[0].end > from ? spans[0].end : from + 1;
    }
  }

 private:
  patterns::Expression expression_;
};

using Arguments = std::span<const std::string>;

// All fields of the request joined, as a rule sees them; empty when there is none.
std::string_view text_of(const EvalCall& call, std::string_view request);
bool has_field(const EvalCall& call, std::string_view request);
// The first value without newline, as for addresses.
std::string first_of(const EvalCall& call, std::string_view request);
// Runs of blanks as one space.
std::string in_spaces(std::string_view text);

// Every address that says who it is from, or to whom; lower case is not forced, no duplicates.
const std::vector<std::string>& from_addresses(const EvalCall& call);
const std::vector<std::string>& to_addresses(const EvalCall& call);

// The argument as a number; `otherwise` when it is missing, "undef" or "inf".
double number(Arguments arguments, std::size_t index, double otherwise);
std::string_view word(Arguments arguments, std::size_t index);
bool is_given(Arguments arguments, std::size_t index);  // there, and neither "undef" nor "inf"

// Addresses or texts with '*' and '?', as lists of .cf files hold them.
class GlobList {
 public:
  void add(std::string_view glob);
  void remove(std::string_view glob);
  bool matches(std::string_view text) const;  // without case
  bool empty() const { return exact_.empty() && globs_.empty(); }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::unordered_set<std::string, Hash, std::equal_to<>> exact_;
  // By what stands behind the last star, where that begins with '@' or '.', as nearly all do; else by "".
  std::unordered_map<std::string, std::set<std::string, std::less<>>, Hash, std::equal_to<>> globs_;
};
bool glob_matches(std::string_view glob, std::string_view text);  // both in one case

// The list of this key, with what its "un" lines took off again; shared by all rules.
std::shared_ptr<const GlobList> glob_list(const EvalSetup& setup, std::string_view key);

// ok_locales: whether mail in that charset is wanted. With "all", every charset is.
class Locales {
 public:
  explicit Locales(const Settings& settings);
  bool all() const { return all_; }
  bool welcomes(std::string_view charset) const;

 private:
  std::vector<std::string> names_;
  bool all_ = false;
};
// A charset whose bytes look like capital letters.
bool is_taken_for_capitals(std::string_view charset);

}  // namespace ringpost::filter
