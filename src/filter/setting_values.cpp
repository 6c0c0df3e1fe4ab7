#include "setting_values.hpp"

#include <charconv>
#include <cmath>

#include "ringpost/filter/limits.hpp"

#include "characters.hpp"

namespace ringpost::filter {

std::vector<std::string_view> words_of(std::string_view text) {
  std::vector<std::string_view> words;
  for (text = trim_front(text); !text.empty(); text = trim_front(text)) {
    std::size_t size = 0;
    while (size < text.size() && !is_space(text[size])) ++size;
    words.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
  return words;
}

std::optional<double> decimal_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  if (text.find_first_not_of("0123456789.-") != std::string_view::npos) return std::nullopt;
  double value = 0;
  const char* const last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data(), last, value, std::chars_format::fixed);
  if (error != std::errc{} || end != last || std::abs(value) > kSettingNumberMax) return std::nullopt;
  return value;
}

std::optional<bool> truth_value(std::string_view text) {
  if (text == "1" || equal_nocase(text, "yes")) return true;
  if (text == "0" || equal_nocase(text, "no")) return false;
  return std::nullopt;
}

std::optional<double> seconds_of(std::string_view text) {
  double unit = 1;
  if (!text.empty()) {
    constexpr std::string_view kUnits = "smhdw";
    constexpr double kSeconds[] = {1, 60, 3'600, 86'400, 604'800};
    const std::size_t found = kUnits.find(to_lower(text.back()));
    if (found != std::string_view::npos) {
      unit = kSeconds[found];
      text.remove_suffix(1);
    }
  }
  const auto number = decimal_number(text);
  return number && *number >= 0 ? std::optional(*number * unit) : std::nullopt;
}

}  // namespace ringpost::filter
