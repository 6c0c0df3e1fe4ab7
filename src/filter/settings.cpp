#include "ringpost/filter/settings.hpp"

#include <array>
#include <charconv>

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
  if (!written) return otherwise;
  double value = otherwise;
  const auto [end, error] = std::from_chars(written->data(), written->data() + written->size(), value);
  return error == std::errc{} && end == written->data() + written->size() ? value : otherwise;
}

std::vector<std::string_view> Settings::words(std::string_view key) const {
  std::vector<std::string_view> words;
  for (const Line& line : lines(group_of(key))) {
    if (line.key != key) continue;
    const std::string_view text = line.value;
    for (std::size_t at = text.find_first_not_of(" \t"); at < text.size();) {
      const std::size_t end = std::min(text.find_first_of(" \t", at), text.size());
      words.push_back(text.substr(at, end - at));
      at = text.find_first_not_of(" \t", end);
    }
  }
  return words;
}

std::vector<std::string_view> Settings::groups() const {
  std::vector<std::string_view> names;
  for (const auto& [name, lines] : groups_) names.push_back(name);
  return names;
}

}  // namespace ringpost::filter
