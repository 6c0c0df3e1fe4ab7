// One line about the fields and reports that a judged mail gets.
#include <algorithm>

#include <fmt/format.h>

#include "ringpost/filter/marks.hpp"

#include "characters.hpp"
#include "rule_reader.hpp"
#include "setting_values.hpp"

namespace ringpost::filter {

namespace {

void set_header(std::vector<AddedHeader>& headers, const AddedHeader& header) {
  std::erase_if(headers, [&](const AddedHeader& other) { return equal_nocase(other.name, header.name); });
  headers.push_back(header);
}

// \t and \n are expanded, \\ is a backslash, other escapes are dropped.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\\' || at + 1 == text.size()) {
      out += text[at];
      continue;
    }
    const char c = text[++at];
    if (c == 't')
      out += '\t';
    else if (c == 'n')
      out += '\n';
    else if (c == '\\')
      out += '\\';
  }
  return out;
}

}  // namespace

Result<void> RuleReader::add_header_line(std::string_view value) {
  const SplitLine type = split_word(value);
  const SplitLine name = split_word(type.rest);
  const bool all = type.word == "all";
  if ((!all && type.word != "spam" && type.word != "ham") || name.rest.empty() || !is_field_name(name.word))
    return wrong("ham, spam or all, a name and a text are wanted");
  std::string_view text = name.rest;
  if (text.size() >= 2 && text.starts_with('"') && text.ends_with('"'))
    text = text.substr(1, text.size() - 2);
  const AddedHeader header{std::string(name.word), unescaped(text)};
  tell_unknown_tags(header.value);
  if (all || type.word == "spam") set_header(set_->headers_spam_, header);
  if (all || type.word == "ham") set_header(set_->headers_ham_, header);
  return {};
}

Result<void> RuleReader::remove_header_line(std::string_view value) {
  const SplitLine type = split_word(value);
  const bool all = type.word == "all";
  if ((!all && type.word != "spam" && type.word != "ham") || type.rest.empty())
    return wrong("ham, spam or all, and a name are wanted");
  const auto is = [&](const AddedHeader& header) { return equal_nocase(header.name, type.rest); };
  if (all || type.word == "spam") std::erase_if(set_->headers_spam_, is);
  if (all || type.word == "ham") std::erase_if(set_->headers_ham_, is);
  return {};
}

// The version of the checker stays.
Result<void> RuleReader::clear_headers_line(std::string_view value) {
  if (!value.empty()) return wrong("nothing may follow");
  const auto other = [](const AddedHeader& header) { return !equal_nocase(header.name, "Checker-Version"); };
  std::erase_if(set_->headers_spam_, other);
  std::erase_if(set_->headers_ham_, other);
  return {};
}

void RuleReader::tell_unknown_tags(std::string_view text) {
  for (const std::string& name : unknown_tags(text))
    problem(Severity::unsupported, fmt::format("_{}_ is no tag here and stays as it is written", name));
}

Result<void> RuleReader::rewrite_header_line(std::string_view value) {
  const SplitLine line = split_word(value);
  if (!equal_nocase(line.word, "Subject") && !equal_nocase(line.word, "From") &&
      !equal_nocase(line.word, "To"))
    return wrong("Subject, From or To, and a text are wanted");
  tell_unknown_tags(line.rest);
  set_->settings_.add({"rewrite_header", std::string(value), place_});
  return {};
}

Result<void> RuleReader::report_safe_line(std::string_view value) {
  if (value != "0" && value != "1" && value != "2") return wrong("0, 1 or 2 is wanted");
  set_->settings_.add({"report_safe", std::string(value), place_});
  const auto is_report = [](const AddedHeader& header) { return equal_nocase(header.name, "Report"); };
  if (value == "0" && std::ranges::none_of(set_->headers_spam_, is_report))
    set_->headers_spam_.push_back({"Report", "_REPORT_"});
  return {};
}

}  // namespace ringpost::filter
