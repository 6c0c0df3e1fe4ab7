#include "captures.hpp"

#include "characters.hpp"

namespace ringpost::filter {

namespace {

bool is_capture_name(char c) {
  return is_upper(c) || is_digit(c) || c == '_';
}

std::string_view name_at(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && is_capture_name(text[end])) ++end;
  return text.substr(at, end - at);
}

// As one group of an expression, in which they stand for themselves.
std::string any_of(const std::vector<std::string>& values) {
  std::string text;
  for (const std::string& value : values) {
    text += text.empty() ? "(?:" : "|";
    for (const char c : value) {
      if (!is_eight_bit(c) && !is_word(c)) text += '\\';
      text += c;
    }
  }
  return text + ")";
}

}  // namespace

// The names of "(?<NAME>", "(?P<NAME>" and "(?'NAME'".
std::vector<std::string> names_given(std::string_view expression) {
  std::vector<std::string> names;
  for (std::size_t at = expression.find("(?"); at != std::string_view::npos;
       at = expression.find("(?", at + 2)) {
    std::size_t start = at + 2;
    if (expression.substr(start).starts_with('P')) ++start;
    if (start + 1 >= expression.size() || (expression[start] != '<' && expression[start] != '\'')) continue;
    if (is_upper(expression[start + 1])) names.emplace_back(name_at(expression, start + 1));
  }
  return names;
}

std::string with_captures(std::string_view expression,
                          const std::function<std::string(std::string_view)>& value) {
  std::string text;
  std::size_t copied = 0;
  for (std::size_t at = expression.find("%{"); at != std::string_view::npos;
       at = expression.find("%{", at + 2)) {
    const std::string_view name = name_at(expression, at + 2);
    if (name.empty() || !is_upper(name[0]) || !expression.substr(at + 2 + name.size()).starts_with('}'))
      continue;
    text += expression.substr(copied, at - copied);
    text += value(name);
    copied = at + 3 + name.size();
  }
  return text += expression.substr(copied);
}

std::vector<std::string> names_taken(std::string_view expression) {
  std::vector<std::string> names;
  (void)with_captures(expression, [&](std::string_view name) {
    names.emplace_back(name);
    return std::string();
  });
  return names;
}

std::optional<patterns::Pattern> with_captured(patterns::Pattern pattern, const Captured& captured) {
  bool all = true;
  pattern.expression = with_captures(pattern.expression, [&](std::string_view name) {
    const auto values = captured.find(name);
    const bool known = values != captured.end() && !values->second.empty();
    all = all && known;
    return known ? any_of(values->second) : std::string();
  });
  return all ? std::optional(std::move(pattern)) : std::nullopt;
}

}  // namespace ringpost::filter
