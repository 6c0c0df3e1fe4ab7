// One line that defines a rule, or says something about one.
#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "ringpost/filter/limits.hpp"

#include "characters.hpp"
#include "known.hpp"
#include "rule_reader.hpp"
#include "setting_values.hpp"

namespace ringpost::filter {

namespace {

bool is_rule_name(std::string_view name) {
  return !name.empty() && name.size() <= kRuleNameSizeMax && !is_digit(name[0]) &&
         std::ranges::all_of(name, is_word);
}

// A whole number.
template <class T>
std::optional<T> number_of(std::string_view text) {
  T value{};
  if (text.starts_with('+')) text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "From:addr": a field name with up to two modifiers that exist; a colon at its end is dropped.
Result<std::string> header_name(std::string_view text, bool mime) {
  if (text.ends_with(':')) text.remove_suffix(1);
  const std::size_t colon = text.find(':');
  const std::string_view name = text.substr(0, colon);
  if (!is_field_name(name))
    return wrong(fmt::format("'{}' is no name of a header field; write Subject, From:addr or ALL", name));
  std::size_t count = 0;
  for (std::size_t at = colon; at != std::string_view::npos;) {
    const std::size_t next = text.find(':', at + 1);
    const std::string_view modifier =
        text.substr(at + 1, next == std::string_view::npos ? next : next - at - 1);
    static constexpr std::string_view kModifiers[] = {"raw", "addr",  "name",  "host", "domain",
                                                      "ip",  "revip", "first", "last"};
    if (++count > 2 || std::ranges::find(kModifiers, modifier) == std::end(kModifiers) ||
        (mime && modifier != "raw"))
      return wrong(
          fmt::format("':{}' is no modifier of a header; they are raw, addr, name, host, domain, ip, revip, "
                      "first and last",
                      modifier));
    at = next;
  }
  return std::string(text);
}

// 'a' , "b", 1.5, name: the arguments of an eval function.
Result<std::vector<std::string>> arguments_of(std::string_view text) {
  std::vector<std::string> arguments;
  text = trimmed(text);
  while (!text.empty()) {
    std::size_t end = 0;
    if (text[0] == '\'' || text[0] == '"') {
      end = text.find(text[0], 1);
      if (end == std::string_view::npos) return wrong("an argument has no closing quote");
      arguments.emplace_back(text.substr(1, end - 1));
      ++end;
    } else {
      while (end < text.size() && (is_word(text[end]) || contains(".:-", text.substr(end, 1)))) ++end;
      if (end == 0) return wrong(fmt::format("the argument at '{}' cannot be read", text));
      arguments.emplace_back(text.substr(0, end));
    }
    text = trimmed(text.substr(end));
    if (text.empty()) break;
    if (text[0] != ',') return wrong(fmt::format("the argument at '{}' cannot be read", text));
    text = trimmed(text.substr(1));
  }
  return arguments;
}

// "2", "2-4", "2-", "-4".
Result<void> range_of(RuleFlags& flags, std::string_view text) {
  const std::size_t dash = std::min(text.find('-'), text.size());
  const std::string_view begin = text.substr(0, dash), end = text.substr(std::min(dash + 1, text.size()));
  const auto first = begin.empty() ? flags.part_first : number_of<std::uint32_t>(begin);
  auto last = first;
  if (dash < text.size()) last = end.empty() ? flags.part_last : number_of<std::uint32_t>(end);
  if (text.empty() || text == "-" || !first || !last)
    return wrong(fmt::format("'range={}' is written range=FIRST-LAST", text));
  flags.part_first = *first;
  flags.part_last = *last;
  return {};
}

constexpr std::pair<std::string_view, bool RuleFlags::*> kFlags[] = {
    {"multiple", &RuleFlags::multiple},
    {"nice", &RuleFlags::nice},
    {"net", &RuleFlags::net},
    {"learn", &RuleFlags::learn},
    {"userconf", &RuleFlags::user_configured},
    {"noautolearn", &RuleFlags::noautolearn},
    {"autolearn_force", &RuleFlags::autolearn_force},
    {"autolearn_header", &RuleFlags::autolearn_header},
    {"autolearn_body", &RuleFlags::autolearn_body},
    {"nosubject", &RuleFlags::nosubject},
    {"concat", &RuleFlags::concat}};
// Those that eval functions look up by their word, and those for makers of rules.
constexpr std::string_view kOtherFlags[] = {"domains_only", "ips_only", "notrim", "a",
                                            "ns",           "publish",  "nolog",  "noawl"};

// False: there is no such flag.
Result<bool> read_flag(RuleFlags& flags, std::string_view word) {
  if (word.starts_with("maxhits=")) {
    const auto number = number_of<std::uint32_t>(word.substr(8));
    if (!number) return wrong(fmt::format("'{}' needs a whole number", word));
    flags.hits_max = *number;
    return true;
  }
  if (word.starts_with("range=")) {
    RP_CHECK(range_of(flags, word.substr(6)));
    return true;
  }
  for (const auto& [name, member] : kFlags) {
    if (word != name) continue;
    flags.*member = true;
    return true;
  }
  return std::ranges::find(kOtherFlags, word) != std::end(kOtherFlags);
}

}  // namespace

bool is_field_name(std::string_view name) {
  return !name.empty() &&
         std::ranges::all_of(name, [](char c) { return is_word(c) || c == '.' || c == '-'; });
}

// Of a line that tflags_line() took.
RuleFlags flags_of(std::string_view text) {
  RuleFlags flags;
  for (const std::string_view word : words_of(text)) (void)read_flag(flags, word);
  return flags;
}

Result<Rule*> RuleReader::define(std::string_view name, RuleKind kind, RuleArea area) {
  if (!is_rule_name(name))
    return wrong(fmt::format(
        "'{}' is no name of a rule; it has letters, digits and '_', and begins with no digit", name));
  auto found = set_->names_.find(name);
  if (found == set_->names_.end()) {
    if (set_->rules_.size() >= kRulesMax) {
      if (rules_left_out_++ == 0) first_left_out_ = place_;
      return nullptr;
    }
    found = set_->names_.emplace(name, static_cast<std::uint32_t>(set_->rules_.size())).first;
    set_->rules_.emplace_back();
  }
  Rule& rule = set_->rules_[found->second];
  rule = Rule{};
  rule.name = name;
  rule.kind = kind;
  rule.area = area;
  rule.place = place_;
  return &rule;
}

Result<void> RuleReader::eval_of(Rule& rule, std::string_view call) {
  const std::size_t open = call.find('(');
  if (open == std::string_view::npos || !call.ends_with(')') || !is_rule_name(trimmed(call.substr(0, open))))
    return wrong("an eval test is written eval:function(arguments)");
  rule.arguments = RP_TRY(arguments_of(call.substr(open + 1, call.size() - open - 2)));
  rule.function = trimmed(call.substr(0, open));
  if (rule.function.starts_with("check_rbl") || rule.function.starts_with("check_dns"))
    rule.area = RuleArea::dns;
  return {};
}

// "=~ /re/" or "!~ /re/ [if-unset: text]"
Result<void> RuleReader::match_of(Rule& rule, std::string_view text) {
  if (!text.starts_with("=~") && !text.starts_with("!~"))
    return wrong("=~ or !~ is missing; write NAME FIELD =~ /expression/");
  rule.negated = text[0] == '!';
  text = trimmed(text.substr(2));
  if (text.ends_with(']')) {
    const std::size_t at = text.rfind("[if-unset:");
    if (at != std::string_view::npos && at > 0 && (text[at - 1] == ' ' || text[at - 1] == '\t')) {
      rule.if_unset = trimmed(text.substr(at + 10, text.size() - at - 11));
      text = trimmed(text.substr(0, at));
    }
  }
  rule.pattern = RP_TRY(patterns::parse_delimited(text));
  return {};
}

// A line in error never gets here, so it leaves what the name meant before.
Result<void> RuleReader::put(Rule made, RuleKind kind, RuleArea area) {
  made.kind = kind;
  made.area = area;
  made.place = place_;
  if (Rule* rule = RP_TRY(define(made.name, kind, area))) *rule = std::move(made);
  return {};
}

Result<void> RuleReader::header_rule(std::string_view value) {
  const SplitLine split = split_word(value);
  Rule made;
  made.name = split.word;
  made.area = RuleArea::header;
  RuleKind kind = RuleKind::header;
  std::string_view text = split.rest;
  if (text.starts_with("eval:") || text.starts_with("rbleval:")) {
    kind = RuleKind::eval;
    RP_CHECK(eval_of(made, text.substr(text.find(':') + 1)));
  } else if (text.starts_with("exists:")) {
    kind = RuleKind::exists;
    made.header = RP_TRY(header_name(text.substr(7), false));
  } else {
    const std::size_t end = std::min(text.find_first_of(" \t=!"), text.size());
    made.header = RP_TRY(header_name(text.substr(0, end), false));
    RP_CHECK(match_of(made, trimmed(text.substr(end))));
  }
  return put(std::move(made), kind, made.area);
}

Result<void> RuleReader::text_rule(std::string_view value, RuleKind kind, RuleArea area) {
  const SplitLine split = split_word(value);
  Rule made;
  made.name = split.word;
  made.area = area;
  if (split.rest.starts_with("eval:") && kind != RuleKind::uri) {
    kind = RuleKind::eval;
    RP_CHECK(eval_of(made, split.rest.substr(5)));
  } else {
    made.pattern = RP_TRY(patterns::parse_delimited(split.rest));
  }
  return put(std::move(made), kind, area);
}

Result<void> RuleReader::mimeheader_rule(std::string_view value) {
  const SplitLine split = split_word(value);
  Rule made;
  made.name = split.word;
  made.area = RuleArea::body;
  const std::size_t end = std::min(split.rest.find_first_of(" \t=!"), split.rest.size());
  made.header = RP_TRY(header_name(split.rest.substr(0, end), true));
  RP_CHECK(match_of(made, trimmed(split.rest.substr(end))));
  return put(std::move(made), RuleKind::mimeheader, RuleArea::body);
}

Result<void> RuleReader::meta_rule(std::string_view value) {
  const SplitLine split = split_word(value);
  if (split.rest.empty()) return wrong("the expression is missing");
  Rule made;
  made.name = split.word;
  made.area = RuleArea::meta;
  made.meta_text = split.rest;
  return put(std::move(made), RuleKind::meta, RuleArea::meta);
}

Result<void> RuleReader::askdns_rule(std::string_view value) {
  const SplitLine split = split_word(value);
  (void)RP_TRY(define(split.word, RuleKind::declared, RuleArea::dns));
  set_->settings_.add({"askdns", std::string(value), place_});
  return {};
}

Result<void> RuleReader::reuse_rule(std::string_view value) {
  const SplitLine split = split_word(value);
  if (set_->names_.contains(split.word)) return {};
  (void)RP_TRY(define(split.word, RuleKind::declared, RuleArea::none));
  return {};
}

// Of two, three or five numbers the first counts for all sets, as with SpamAssassin.
Result<void> RuleReader::score_line(std::string_view value) {
  const auto words = words_of(value);
  if (words.size() < 2) return wrong("a rule and 1 or 4 numbers are wanted");
  std::array<double, 4> scores{};
  bool relative = false;
  for (std::size_t n = 1; n < words.size(); ++n) {
    std::string_view word = words[n];
    if (word.starts_with('(') && word.ends_with(')')) {
      relative = true;
      word = word.substr(1, word.size() - 2);
    }
    const auto number = decimal_number(word);
    if (!number) return wrong(fmt::format("'{}' is no number; write it as 1.5 or -0.1", words[n]));
    if (n <= scores.size()) scores[n - 1] = *number;
  }
  if (words.size() != 5) scores.fill(scores[0]);
  if (words.size() != 2 && words.size() != 5)
    problem(Severity::note,
            fmt::format("score {}: 1 or 4 numbers are expected, so the first counts", words[0]));
  Score& kept = scores_[std::string(words[0])];
  kept.place = place_;
  for (std::size_t n = 0; n < scores.size(); ++n) {
    const double sum = relative ? kept.sets[n] + scores[n] : scores[n];
    kept.sets[n] = std::clamp(sum, -kSettingNumberMax, kSettingNumberMax);
  }
  return {};
}

Result<void> RuleReader::describe_line(std::string_view value) {
  const SplitLine split = split_word(value);
  if (split.rest.empty()) return wrong("a rule and a text are wanted");
  descriptions_[std::string(split.word)] = split.rest;
  return {};
}

Result<void> RuleReader::priority_line(std::string_view value) {
  const SplitLine split = split_word(value);
  const auto number = number_of<int>(split.rest);
  if (!is_rule_name(split.word) || !number) return wrong("a rule and a whole number are wanted");
  priorities_[std::string(split.word)] = *number;
  return {};
}

Result<void> RuleReader::tflags_line(std::string_view value) {
  const SplitLine split = split_word(value);
  if (split.rest.empty()) return wrong("a rule and its flags are wanted");
  RuleFlags flags;
  for (const std::string_view word : words_of(split.rest))
    if (!RP_TRY(read_flag(flags, word)))
      problem(Severity::unsupported, fmt::format("tflags {}: '{}' is no flag", split.word, word));
  flags_[std::string(split.word)] = split.rest;
  return {};
}

Result<void> RuleReader::test_line(std::string_view value) {
  const SplitLine rule = split_word(value);
  const SplitLine word = split_word(rule.rest);
  if (word.word != "ok" && word.word != "fail") return wrong("a rule, ok or fail, and a text are wanted");
  set_->examples_.push_back({std::string(rule.word), word.word == "ok", std::string(word.rest), place_});
  return {};
}

Result<void> RuleReader::keep_replacement(ReplaceTags::Texts& texts, std::string_view value) {
  const SplitLine split = split_word(value);
  if (split.rest.empty()) return wrong("a name and a text are wanted");
  texts[std::string(split.word)] = split.rest;
  return {};
}
Result<void> RuleReader::replace_rules_line(std::string_view value) {
  const auto words = words_of(value);
  if (words.empty()) return wrong("a rule is wanted");
  for (const std::string_view word : words) replace_rules_.emplace(word, place_);
  return {};
}
Result<void> RuleReader::replace_start_line(std::string_view value) {
  if (value.empty()) return wrong("the text is missing");
  replace_.start = value;
  return {};
}
Result<void> RuleReader::replace_end_line(std::string_view value) {
  if (value.empty()) return wrong("the text is missing");
  replace_.end = value;
  return {};
}

Result<void> RuleReader::loadplugin_line(std::string_view value) {
  const std::string_view name = split_word(value).word;
  if (plugin_known(name) == Known::used) return {};
  if (told_.emplace(name).second)
    problem(Severity::unsupported,
            fmt::format("the plugin {} is not part of this filter, so its rules are left out", name));
  return {};
}

}  // namespace ringpost::filter
