#include "ringpost/filter/settings.hpp"

#include <array>

#include "setting_values.hpp"

namespace ringpost::filter {

std::string_view Settings::group_of(std::string_view key) {
  if (key == "clear_report_template") return "report";
  if (key == "clear_unsafe_report_template") return "unsafe_report";
  for (const std::string_view prefix : {"clear_", "un", "remove_", "delist_", "enlist_"}) {
    if (!key.starts_with(prefix)) continue;
    const std::string_view rest = key.substr(prefix.size());
    if (prefix != "un" || rest.starts_with("welcomelist_") || rest.starts_with("blocklist_")) return rest;
  }
  return key;
}

void Settings::add(Line line) {
  auto& group = groups_[std::string(group_of(line.key))];
  group.push_back(std::move(line));
}

std::span<const Settings::Line> Settings::lines(std::string_view group) const {
  const auto found = groups_.find(group);
  return found == groups_.end() ? std::span<const Line>{} : std::span<const Line>(found->second);
}

std::optional<std::string_view> Settings::text(std::string_view key) const {
  const auto group = lines(group_of(key));
  for (auto line = group.rbegin(); line != group.rend(); ++line)
    if (line->key == key) return line->value;
  return std::nullopt;
}

double Settings::number(std::string_view key, double otherwise) const {
  const auto written = text(key);
  return written ? decimal_number(*written).value_or(otherwise) : otherwise;
}

bool Settings::flag(std::string_view key, bool otherwise) const {
  const auto written = text(key);
  return written ? truth_value(*written).value_or(otherwise) : otherwise;
}

std::optional<double> Settings::seconds(std::string_view key) const {
  const auto written = text(key);
  return written ? seconds_of(written->substr(0, written->find_first_of(" \t"))) : std::nullopt;
}

std::vector<std::string_view> Settings::words(std::string_view key) const {
  std::vector<std::string_view> words;
  for (const Line& line : lines(group_of(key))) {
    if (line.key != key) continue;
    for (const std::string_view word : words_of(line.value)) words.push_back(word);
  }
  return words;
}

std::vector<std::string_view> Settings::groups() const {
  std::vector<std::string_view> names;
  for (const auto& [name, lines] : groups_) names.push_back(name);
  return names;
}

}  // namespace ringpost::filter
