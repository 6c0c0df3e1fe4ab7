#include "config_edit.hpp"

#include <algorithm>
#include <vector>

#include "ringpost/config/toml_text.hpp"

namespace ringpost::loadgen {

namespace {

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return lines;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

bool is_header(std::string_view line) {
  return trimmed(line).starts_with('[');
}

bool is_header_of(std::string_view line, std::string_view table) {
  const std::string_view text = trimmed(line);
  return text.starts_with("[" + std::string(table) + "]");
}

bool sets(std::string_view line, std::string_view name) {
  const std::size_t equals = line.find('=');
  return equals != std::string_view::npos && trimmed(line.substr(0, equals)) == name;
}

}  // namespace

std::string toml_value(std::string_view text) {
  const config::TomlText plain = config::read_toml("x = " + std::string(text), 0);
  const OptionValue* const value = plain.root.find("x");
  const bool itself = plain.errors.empty() && value != nullptr && value->as<OptionValue::Date>() == nullptr;
  return itself ? std::string(text) : json_quoted(text);
}

Result<std::string> with_value(std::string_view text, std::string_view key, std::string_view value,
                               std::string_view comment) {
  const std::size_t dot = key.rfind('.');
  if (dot == std::string_view::npos || dot == 0 || dot + 1 == key.size())
    return fail(ErrorKind::permanent, std::string(key) + " is no TABLE.KEY");
  const std::string_view table = key.substr(0, dot);
  const std::string_view name = key.substr(dot + 1);
  std::string line = std::string(name) + " = " + std::string(value);
  if (!comment.empty()) line += "  # " + std::string(comment);

  std::vector<std::string> lines = lines_of(text);
  auto at = std::ranges::find_if(lines, [&](const std::string& one) { return is_header_of(one, table); });
  if (at == lines.end()) {
    if (!lines.empty()) lines.emplace_back();
    lines.push_back("[" + std::string(table) + "]");
    lines.push_back(std::move(line));
  } else {
    const auto end = std::find_if(at + 1, lines.end(), [](const std::string& one) { return is_header(one); });
    const auto old = std::find_if(at + 1, end, [&](const std::string& one) { return sets(one, name); });
    if (old != end)
      *old = std::move(line);
    else
      lines.insert(at + 1, std::move(line));
  }
  std::string edited;
  for (const std::string& one : lines) edited += one + "\n";
  // What remained of a value of several lines would be a syntax error.
  const config::TomlText check = config::read_toml(edited, 0);
  if (!check.errors.empty())
    return fail(ErrorKind::permanent, std::string(key) + " could not be set: " + check.errors[0].message +
                                          " (write its value on one line)");
  return edited;
}

}  // namespace ringpost::loadgen
