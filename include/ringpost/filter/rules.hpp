// The rules that .cf files define: what each tests, what it scores, and how metas combine them.
//
// Layer:  pure: text in, rules and problems out; the caller reads files.
// Owner:  a shared_ptr, immutable once loaded; one for all cores. A reload makes another.
// Syntax: SpamAssassin 4.0: every line that it reads is read; what has no effect here is named once, with file and line, and the
//         rest loads. A line in error is skipped, named with its place.
// Limits: filter/limits.hpp.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/base/result.hpp"
#include "ringpost/filter/settings.hpp"
#include "ringpost/patterns/pattern.hpp"

namespace ringpost::filter {

enum class RuleKind : std::uint8_t {
  header,
  exists,
  body,
  rawbody,
  full,
  uri,
  mimeheader,
  meta,
  eval,
  declared
};
// What an eval rule was declared as; it decides which points autolearning counts it for.
enum class RuleArea : std::uint8_t { header, body, rawbody, full, uri, dns, meta, none };
std::string_view to_string(RuleKind kind);
std::string_view to_string(RuleArea area);

struct RuleFlags {
  bool multiple = false;
  bool nice = false;
  bool net = false;
  bool learn = false;
  bool user_configured = false;
  bool noautolearn = false;
  bool autolearn_force = false;
  bool autolearn_header = false;
  bool autolearn_body = false;
  bool nosubject = false;
  bool concat = false;           // mimeheader: all parts as one text
  std::uint32_t hits_max = 0;    // maxhits=N; 0: no bound of its own
  std::uint32_t part_first = 0;  // range=N-M of mimeheader
  std::uint32_t part_last = 1000;
};

// The four columns of `score`.
enum class ScoreSet : std::uint8_t { plain = 0, net = 1, bayes = 2, bayes_net = 3 };

std::string_view to_string(ScoreSet set);  // "plain", "net", "bayes", "bayes-net"

// A tree of a meta rule. Numbers as Perl has them: && and || give the operand that decided.
struct MetaNode {
  enum class Kind : std::uint8_t {
    number,
    rule,
    negation,
    minus,
    all,
    any,
    sum,
    difference,
    product,
    quotient,
    less,
    greater,
    at_most,
    at_least,
    equal,
    unequal,
    exclusive,
    choice  // a ? b : c
  };
  Kind kind = Kind::number;
  double number = 0;
  std::uint32_t rule = 0;               // index; kNoRule: a name that no rule has, which counts 0
  std::vector<std::uint32_t> operands;  // indices into Rule::meta
};
inline constexpr std::uint32_t kNoRule = 0xffffffff;

struct Rule {
  std::string name;
  RuleKind kind = RuleKind::declared;
  RuleArea area = RuleArea::none;
  std::string header;  // of header, exists and mimeheader: "From:addr"
  patterns::Pattern pattern;
  bool negated = false;
  std::optional<std::string> if_unset;
  std::string function;  // of eval
  std::vector<std::string> arguments;
  std::string meta_text;
  std::vector<MetaNode> meta;  // the last one is the root
  std::array<double, 4> scores{};
  bool scored = false;  // by a `score` line; else the scores are the defaults
  RuleFlags flags;
  std::string flag_words;
  int priority = 0;
  std::string description;
  Place place;

  bool hidden() const { return name.starts_with("__"); }
  double score(ScoreSet set) const { return scores[static_cast<std::size_t>(set)]; }
};

// A line that is left out, one that has no effect here, and one that does what it says but hardly what was meant.
enum class Severity : std::uint8_t { error, unsupported, note };
std::string_view to_string(Severity severity);
struct Problem {
  Severity severity = Severity::error;
  Place place;
  std::string text;
};

// "test RULE ok|fail TEXT": a text that the rule must hit, or must not.
struct RuleExample {
  std::string rule;
  bool hits = true;
  std::string text;
  Place place;
};

// {"Report", "_REPORT_"}: becomes the header field X-Spam-Report.
struct AddedHeader {
  std::string name;
  std::string value;
};

class RuleSet {
 public:
  std::span<const Rule> rules() const { return rules_; }
  const Rule& rule(std::uint32_t index) const { return rules_[index]; }
  // kNoRule when there is none of that name.
  std::uint32_t find(std::string_view name) const;
  const Settings& settings() const { return settings_; }
  std::span<const Problem> problems() const { return problems_; }
  std::span<const RuleExample> examples() const { return examples_; }
  std::span<const std::string> files() const { return files_; }
  std::string place_text(Place place) const;  // "20_drugs.cf:17"

  double required_score() const { return settings_.number("required_score", 5); }
  unsigned report_safe() const;
  std::span<const AddedHeader> headers_for_spam() const { return headers_spam_; }
  std::span<const AddedHeader> headers_for_ham() const { return headers_ham_; }
  std::string report_template() const;

 private:
  friend class RuleReader;
  std::vector<Rule> rules_;
  std::map<std::string, std::uint32_t, std::less<>> names_;
  Settings settings_;
  std::vector<Problem> problems_;
  std::vector<RuleExample> examples_;
  std::vector<std::string> files_;
  std::vector<AddedHeader> headers_spam_, headers_ham_;
};

struct RuleFile {
  std::string name;
  std::string text = {};
  std::string trouble = {};  // why there is no text: becomes a problem of the set
};

struct LoadOptions {
  bool local_only = false;         // no rule may use the network: local_tests_only in conditions
  std::string language = "en_US";  // of `lang` lines
  // For `include`: a path that stands relative to the file that names it was completed already. Nothing: there are no includes.
  std::function<Result<std::string>(const std::string& path)> read;
};

// Files in the order in which they count.
std::shared_ptr<const RuleSet> load_rules(std::span<const RuleFile> files, const LoadOptions& options);

}  // namespace ringpost::filter
