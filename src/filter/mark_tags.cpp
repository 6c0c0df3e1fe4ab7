// Tags in templates: what each stands for.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "ringpost/filter/limits.hpp"
#include "ringpost/filter/marks.hpp"
#include "ringpost/mail/date.hpp"

#include "known.hpp"

namespace ringpost::filter {

namespace {

constexpr std::size_t kStarsMax = 50;       // SpamAssassin's
constexpr std::size_t kSummaryIndent = 28;  // under the descriptions

struct TagContext {
  const RuleSet& rules;
  const Verdict& verdict;
  const MarkFacts& facts;
};

std::string one_decimal(double score) {
  return fmt::format("{:2.1f}", score);
}

std::string_view area_name(const Rule& rule) {
  switch (rule.area) {
    case RuleArea::body:
      return "BODY: ";
    case RuleArea::rawbody:
      return "RAW: ";
    case RuleArea::full:
      return "FULL: ";
    case RuleArea::uri:
      return "URI: ";
    default:
      return "";
  }
}

// Words in lines of `width`; the first begins at column `column`.
std::string wrapped(std::string_view text, std::size_t column, std::string_view indent, double width) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty()) continue;
    if (!out.empty() && static_cast<double>(column + 1 + word.size()) > width) {
      out += '\n';
      out += indent;
      column = indent.size();
    } else if (!out.empty()) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
  }
  return out;
}

// One line for each rule that hit, in the form of _REPORT_ or of _SUMMARY_.
std::string hit_lines(const TagContext& context, bool report) {
  std::string out;
  const double width = context.rules.settings().number("report_wrap_width", 70);
  const std::string indent = report ? "*      " : std::string(kSummaryIndent, ' ');
  for (const Hit& hit : context.verdict.hits) {
    const Rule& rule = context.rules.rule(hit.rule);
    const double once = hit.score / std::max<std::uint32_t>(hit.count, 1);
    const std::string score =
        once >= 10 || once <= -10 ? fmt::format("{:4.0f}", once) : fmt::format("{:4.1f}", once);
    const std::string begin = report ? fmt::format("* {} {} {}", score, rule.name, area_name(rule))
                                     : fmt::format("{} {:<22} {}", score, rule.name, area_name(rule));
    out += begin;
    out += wrapped(rule.description.empty() ? "No description available." : rule.description, begin.size(),
                   indent, width);
    out += '\n';
    if (out.size() > kMarkTextMax) break;
  }
  return out;
}

std::string yes_no(const TagContext& context, std::string_view argument) {
  if (argument.empty()) return context.verdict.spam() ? "Yes" : "No";
  const std::size_t comma = std::min(argument.find(','), argument.size());
  if (context.verdict.spam()) return std::string(argument.substr(0, comma));
  return std::string(argument.substr(std::min(comma + 1, argument.size())));
}

std::string padded_score(const TagContext& context, std::string_view pad) {
  std::string score = score_text(context.verdict);
  const bool fits =
      !pad.empty() && (pad[0] == '0' || pad[0] == ' ') && pad.find_first_not_of(pad[0]) == pad.npos;
  if (fits && score.size() < pad.size() + 3)
    score.insert(0, std::min(pad.size(), pad.size() + 3 - score.size()), pad[0]);
  return score;
}

std::string upper(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return text;
}

std::string stars(const TagContext& context, std::string_view star) {
  const double score = std::clamp(context.verdict.score, 0.0, static_cast<double>(kStarsMax));
  std::string out;
  for (std::size_t n = 0; n < static_cast<std::size_t>(score); ++n) out += star.empty() ? "*" : star;
  return out;
}

std::string names_with_scores(const TagContext& context, std::string_view separator) {
  std::string out;
  for (const Hit& hit : context.verdict.hits) {
    if (!out.empty()) out += separator.empty() ? "," : separator;
    out += fmt::format("{}={:g}", context.rules.rule(hit.rule).name,
                       hit.score / std::max<std::uint32_t>(hit.count, 1));
  }
  return out.empty() ? "none" : out;
}

std::string part_names(const TagContext& context, std::string_view separator) {
  std::string out;
  for (const Hit& hit : context.verdict.hidden_hits) {
    if (!out.empty()) out += separator.empty() ? "," : separator;
    out += context.rules.rule(hit.rule).name;
  }
  return out.empty() ? "none" : out;
}

using Expand = std::string (*)(const TagContext&, std::string_view argument);
struct Tag {
  std::string_view name;
  Expand expand;
};
constexpr std::array kTags = std::to_array<Tag>({
    {"YESNO", yes_no},
    {"YESNOCAPS", [](const TagContext& c, std::string_view a) { return upper(yes_no(c, a)); }},
    {"SCORE", padded_score},
    {"HITS", padded_score},
    {"REQD", [](const TagContext& c, std::string_view) { return one_decimal(c.verdict.required); }},
    // The version whose rule language this is: rules and readers of the field ask for it.
    {"VERSION", [](const TagContext&, std::string_view) { return std::string(kEmulatedRelease); }},
    {"SUBVERSION", [](const TagContext&, std::string_view) { return std::string("Ringpost"); }},
    {"HOSTNAME",
     [](const TagContext& c, std::string_view) {
       return std::string(c.rules.settings().text("report_hostname").value_or(c.facts.hostname));
     }},
    {"REMOTEHOSTNAME",
     [](const TagContext& c, std::string_view) {
       return c.facts.client_name.empty() ? "localhost" : std::string(c.facts.client_name);
     }},
    {"REMOTEHOSTADDR",
     [](const TagContext& c, std::string_view) {
       return c.facts.client_address.empty() ? "127.0.0.1" : std::string(c.facts.client_address);
     }},
    {"CONTACTADDRESS",
     [](const TagContext& c, std::string_view) {
       return std::string(c.rules.settings().text("report_contact").value_or("the administrator"));
     }},
    {"DATE", [](const TagContext& c, std::string_view) { return mail::format_date(c.facts.now); }},
    {"STARS", stars},
    // What SpamAssassin says when nothing learns.
    {"AUTOLEARN", [](const TagContext&, std::string_view) { return std::string("disabled"); }},
    {"AUTOLEARNSCORE",
     [](const TagContext& c, std::string_view) { return fmt::format("{:g}", c.verdict.autolearn.all); }},
    {"BAYES", [](const TagContext&, std::string_view) { return std::string("0.5"); }},
    {"TESTS", [](const TagContext& c,
                 std::string_view a) { return hit_names(c.rules, c.verdict, a.empty() ? "," : a); }},
    {"TESTSSCORES", names_with_scores},
    {"SUBTESTS", part_names},
    {"REPORT", [](const TagContext& c, std::string_view) { return "\n" + hit_lines(c, true); }},
    {"SUMMARY", [](const TagContext& c, std::string_view) { return hit_lines(c, false); }},
});

const Tag* find_tag(std::string_view name) {
  const auto found = std::ranges::find(kTags, name, &Tag::name);
  return found == kTags.end() ? nullptr : &*found;
}

bool is_tag_letter(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

struct WrittenTag {
  std::string_view name, argument;
  std::size_t size = 0;  // with both underscores
};

// "_NAME_" or "_NAME(argument)_" at the front; size 0: there is none.
WrittenTag tag_at(std::string_view text) {
  std::size_t at = 1;
  if (text.size() < 3 || text[0] != '_' || text[1] < 'A' || text[1] > 'Z') return {};
  while (at < text.size() && is_tag_letter(text[at])) ++at;
  WrittenTag tag{.name = text.substr(1, at - 1)};
  if (at < text.size() && text[at] == '(') {
    const std::size_t close = text.find(")_", at);
    if (close == std::string_view::npos) return {};
    tag.argument = text.substr(at + 1, close - at - 1);
    at = close + 1;
  }
  if (at >= text.size() || text[at] != '_') return {};
  tag.size = at + 1;
  return tag;
}

}  // namespace

std::string expand_tags(std::string_view text, const RuleSet& rules, const Verdict& verdict,
                        const MarkFacts& facts) {
  const TagContext context{rules, verdict, facts};
  std::string out;
  while (!text.empty() && out.size() < kMarkTextMax) {
    const WrittenTag written = tag_at(text);
    const Tag* tag = written.size == 0 ? nullptr : find_tag(written.name);
    if (tag != nullptr) out += tag->expand(context, written.argument);
    if (tag == nullptr) out += text.front();
    text.remove_prefix(tag != nullptr ? written.size : 1);
  }
  out.resize(std::min(out.size(), kMarkTextMax));
  return out;
}

std::vector<std::string> unknown_tags(std::string_view text) {
  std::vector<std::string> names;
  while (!text.empty()) {
    const WrittenTag written = tag_at(text);
    if (written.size != 0 && find_tag(written.name) == nullptr) names.emplace_back(written.name);
    text.remove_prefix(std::max<std::size_t>(written.size, 1));
  }
  return names;
}

std::string hit_names(const RuleSet& rules, const Verdict& verdict, std::string_view separator) {
  std::string out;
  for (const Hit& hit : verdict.hits) {
    if (!out.empty()) out += separator;
    out += rules.rule(hit.rule).name;
  }
  return out.empty() ? "none" : out;
}

std::string score_text(const Verdict& verdict) {
  const std::string score = one_decimal(verdict.score);
  const std::string required = one_decimal(verdict.required);
  return !verdict.spam() && score == required ? one_decimal(verdict.required - 0.1) : score;
}

}  // namespace ringpost::filter
