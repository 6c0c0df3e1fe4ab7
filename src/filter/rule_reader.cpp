#include "rule_reader.hpp"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "ringpost/base/option_value.hpp"
#include "ringpost/filter/eval.hpp"
#include "ringpost/filter/limits.hpp"

#include "arithmetic.hpp"
#include "known.hpp"
#include "setting_table.hpp"

namespace ringpost::filter {

namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

// Up to a '#' that has no backslash; "\#" becomes "#".
std::string without_comment(std::string_view line) {
  std::string text;
  for (std::size_t at = 0; at < line.size(); ++at) {
    if (line[at] == '#') {
      if (text.empty() || text.back() != '\\') break;
      text.back() = '#';
    } else {
      text += line[at];
    }
  }
  return text;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

std::string key_of(std::string_view word) {
  std::string key;
  for (const char c : word) key += c == '-' ? '_' : c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  if (key == "required_hits") return "required_score";
  return replaced(replaced(std::move(key), "whitelist", "welcomelist"), "blacklist", "blocklist");
}

std::string directory_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string() : std::string(path.substr(0, slash + 1));
}

bool same_letters(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() &&
         std::ranges::equal(text.substr(0, prefix.size()), prefix, [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? a + 32 : a) == (b >= 'A' && b <= 'Z' ? b + 32 : b);
         });
}

// "Mail::SpamAssassin::Plugin::BodyEval::check_stock_info": a function of a plugin that counts as loaded.
bool has_function(std::string_view name) {
  const std::size_t colons = name.rfind("::");
  return colons != std::string_view::npos && plugin_known(name.substr(0, colons)) == Known::used &&
         standard_evals().find(name.substr(colons + 2)) != nullptr;
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

SplitLine split_word(std::string_view text) {
  text = trimmed(text);
  const std::size_t end = static_cast<std::size_t>(std::ranges::find_if(text, is_blank) - text.begin());
  return {text.substr(0, end), trimmed(text.substr(end))};
}

RuleReader::RuleReader(const LoadOptions& options) : options_(options), set_(std::make_shared<RuleSet>()) {}

void RuleReader::problem(Severity severity, Place place, std::string text) {
  if (set_->problems_.size() < kProblemsMax)
    set_->problems_.push_back({severity, place, std::move(text)});
  else
    ++dropped_problems_;
}

void RuleReader::read(const RuleFile& file, unsigned depth) {
  if (set_->files_.size() >= kRuleFilesMax || file.text.size() > kRuleTextMax)
    return problem(Severity::error,
                   fmt::format("{} is not read: too many files, or too large a one", file.name));
  if (!file.trouble.empty()) return problem(Severity::error, {}, file.name + ": " + file.trouble);
  const Place outside = place_;
  place_ = {static_cast<std::uint32_t>(set_->files_.size()), 0};
  set_->files_.push_back(file.name);
  const auto conditions_outside = std::exchange(conditions_, {});
  const bool skipping_outside = std::exchange(skipping_, false);
  const bool rest_skipped_outside = std::exchange(rest_skipped_, false);
  open_files_.push_back(file.name);
  std::string_view rest = file.text;
  if (rest.starts_with(kByteOrderMark)) rest.remove_prefix(kByteOrderMark.size());
  const char line_end = rest.contains('\n') ? '\n' : '\r';  // of an editor that knows the latter alone
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(line_end), rest.size());
    ++place_.line;
    if (end > kRuleLineSizeMax)
      problem(Severity::error, "the line is too long");
    else
      line(rest.substr(0, end), depth);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  for (const Condition& open : conditions_)
    problem(Severity::error, {place_.file, open.line}, "this 'if' has no 'endif'");
  open_files_.pop_back();
  conditions_ = conditions_outside;
  skipping_ = skipping_outside;
  rest_skipped_ = rest_skipped_outside;
  place_ = outside;
}

void RuleReader::line(std::string_view written, unsigned depth) {
  const std::string uncommented = without_comment(written);
  std::string_view text = trimmed(uncommented);
  if (text.empty()) return;
  SplitLine split = split_word(text);
  if (split.word.starts_with("lang") && split.word == "lang") {
    const SplitLine language = split_word(split.rest);
    if (language.rest.empty()) {
      if (!skipping_) problem(Severity::error, "lang: a language and a line are wanted");
      return;
    }
    if (!same_letters(options_.language, language.word)) return;
    split = split_word(language.rest);
  }
  const std::string key = key_of(split.word);
  if (structure(key, split.rest, depth) || skipping_) return;
  if (const Handler handler = handler_of(key)) {
    if (auto done = (this->*handler)(split.rest); !done)
      problem(Severity::error, fmt::format("{}: {}", subject_of(key, split.rest), done.error().text));
    return;
  }
  setting(key, split.rest);
}

// What a complaint begins with: the key, and the rule that the line is about.
std::string RuleReader::subject_of(std::string_view key, std::string_view value) {
  constexpr std::string_view kOfRules[] = {"header",     "body", "rawbody", "full",   "uri",
                                           "mimeheader", "meta", "score",   "tflags", "describe",
                                           "priority",   "test", "askdns"};
  const std::string_view rule = split_word(value).word;
  if (rule.empty() || std::ranges::find(kOfRules, key) == std::end(kOfRules)) return std::string(key);
  return fmt::format("{} {}", key, rule.substr(0, kRuleNameSizeMax));
}

// Lines that count in a skipped block too, and those that decide what is skipped.
bool RuleReader::structure(std::string_view key, std::string_view value, unsigned depth) {
  if (rest_skipped_) return true;
  if (key == "if" || key == "ifplugin") {
    if (conditions_.size() >= kConditionDepthMax) {
      problem(Severity::error, "'if' nests too deep, so the rest of the file is skipped");
      conditions_.clear();
      rest_skipped_ = true;
      return true;
    }
    conditions_.push_back({skipping_, place_.line});
    const bool met = key == "if" ? holds(value) : holds(fmt::format("plugin({})", value));
    skipping_ = skipping_ || !met;
    return true;
  }
  if (key == "else" || key == "endif") {
    if (conditions_.empty() || !value.empty()) {
      problem(Severity::error, value.empty() ? fmt::format("'{}' without an 'if'", key)
                                             : fmt::format("'{}' stands alone on its line", key));
      return true;
    }
    if (key == "endif") {
      skipping_ = conditions_.back().skipped_outside;
      conditions_.pop_back();
    } else {
      const bool outside = std::ranges::any_of(conditions_, &Condition::skipped_outside);
      skipping_ = outside || !skipping_;
    }
    return true;
  }
  if (skipping_) return true;
  if (key == "require_version") {
    if (value == kEmulatedVersionText || value == "@@VERSION@@") return true;
    problem(Severity::error,
            fmt::format("the file is for version {} of the rule language, not {}, so it is skipped", value,
                        kEmulatedVersionText));
    skipping_ = true;
    return true;
  }
  if (key == "include") {
    include(value, depth);
    return true;
  }
  return false;
}

bool RuleReader::can(std::string_view feature) const {
  constexpr std::string_view kCompatible = "Mail::SpamAssassin::Conf::compat_";
  if (feature.starts_with(kCompatible)) return compatible_.contains(feature.substr(kCompatible.size()));
  return feature_known(feature);
}

bool RuleReader::holds(std::string_view condition) {
  const Operand operand = [this](std::string_view name, std::optional<std::string_view> argument,
                                 std::vector<MetaNode>& nodes) -> Result<std::uint32_t> {
    if (name == "version") return add_number(nodes, kEmulatedVersion);
    if (name == "perl_version") return add_number(nodes, kEmulatedPerl);
    if (name == "local_tests_only") return add_number(nodes, options_.local_only ? 1 : 0);
    if (!argument)
      return fail(ErrorKind::permanent, fmt::format("'{}' is nothing that a condition knows", name));
    if (name == "plugin") return add_number(nodes, plugin_known(*argument) == Known::used ? 1 : 0);
    if (name == "has" && has_function(*argument)) return add_number(nodes, 1);
    if (name == "can" || name == "has") return add_number(nodes, can(*argument) ? 1 : 0);
    return fail(ErrorKind::permanent, fmt::format("'{}()' is nothing that a condition knows", name));
  };
  const auto nodes = parse_arithmetic(condition, operand);
  if (nodes) return evaluate_known(*nodes, [](std::uint32_t) { return 0.0; }) != 0.0;
  problem(Severity::error, fmt::format("if: {}", nodes.error().text));
  return false;
}

void RuleReader::include(std::string_view path, unsigned depth) {
  if (path.empty()) return problem(Severity::error, "include: the name of a file is missing");
  if (!options_.read) return problem(Severity::unsupported, "include: not possible here");
  std::string name =
      path.starts_with('/') ? std::string(path) : directory_of(set_->files_[place_.file]) + std::string(path);
  name = std::filesystem::path(name).lexically_normal().string();
  const bool circle = std::ranges::find(open_files_, name) != open_files_.end();
  if (circle || depth + 1 >= kIncludeDepthMax) {
    if (told_.emplace("include " + name).second)
      problem(Severity::error, circle ? fmt::format("include: {} includes itself", name)
                                      : "include: files include each other too deep");
    return;
  }
  auto text = options_.read(name);
  if (!text) return problem(Severity::error, fmt::format("include: {}", text.error().text));
  read({name, std::move(*text)}, depth + 1);
}

void RuleReader::setting(std::string_view key, std::string_view value) {
  const SettingEntry entry = setting_entry(key);
  switch (entry.known) {
    case Known::used:
      if (auto good = check_value(entry.kind, value); !good)
        return problem(Severity::error, fmt::format("{}: {}", key, good.error().text));
      if (key == "enable_compat") compatible_.emplace(value);
      set_->settings_.add({std::string(key), std::string(value), place_});
      return;
    case Known::without_effect:
      if (told_.emplace(key).second)
        problem(Severity::unsupported, fmt::format("'{}' has no effect here", key));
      return;
    case Known::unknown:
      if (told_.emplace(key).second)
        problem(Severity::error, fmt::format("there is no setting '{}'{}", key, mend_of(key)));
      return;
  }
}

const std::map<std::string_view, RuleReader::Handler>& RuleReader::handlers() {
  static const std::map<std::string_view, Handler> all = {
      {"header", &RuleReader::header_rule},
      {"body", &RuleReader::body_rule},
      {"rawbody", &RuleReader::rawbody_rule},
      {"full", &RuleReader::full_rule},
      {"uri", &RuleReader::uri_rule},
      {"mimeheader", &RuleReader::mimeheader_rule},
      {"meta", &RuleReader::meta_rule},
      {"askdns", &RuleReader::askdns_rule},
      {"reuse", &RuleReader::reuse_rule},
      {"score", &RuleReader::score_line},
      {"describe", &RuleReader::describe_line},
      {"priority", &RuleReader::priority_line},
      {"tflags", &RuleReader::tflags_line},
      {"test", &RuleReader::test_line},
      {"replace_tag", &RuleReader::replace_tag_line},
      {"replace_pre", &RuleReader::replace_pre_line},
      {"replace_inter", &RuleReader::replace_inter_line},
      {"replace_post", &RuleReader::replace_post_line},
      {"replace_rules", &RuleReader::replace_rules_line},
      {"replace_start", &RuleReader::replace_start_line},
      {"replace_end", &RuleReader::replace_end_line},
      {"add_header", &RuleReader::add_header_line},
      {"remove_header", &RuleReader::remove_header_line},
      {"clear_headers", &RuleReader::clear_headers_line},
      {"report_safe", &RuleReader::report_safe_line},
      {"rewrite_header", &RuleReader::rewrite_header_line},
      {"loadplugin", &RuleReader::loadplugin_line},
      {"tryplugin", &RuleReader::loadplugin_line},
  };
  return all;
}

RuleReader::Handler RuleReader::handler_of(std::string_view key) {
  const auto found = handlers().find(key);
  return found == handlers().end() ? nullptr : found->second;
}

// What an unknown key was probably meant to be.
std::string RuleReader::mend_of(std::string_view key) const {
  if (set_->problems_.size() >= kProblemsMax) return {};  // nobody will read it
  std::vector<std::string_view> known = setting_names();
  for (const auto& [name, handler] : handlers()) known.push_back(name);
  const std::string_view near = nearest(key, known);
  return near.empty() ? "; take the line out" : fmt::format("; did you mean '{}'?", near);
}

std::shared_ptr<const RuleSet> load_rules(std::span<const RuleFile> files, const LoadOptions& options) {
  RuleReader reader(options);
  for (const RuleFile& file : files) reader.read(file);
  return reader.finish();
}

}  // namespace ringpost::filter
