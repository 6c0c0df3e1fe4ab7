#include "html_color.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "characters.hpp"

namespace ringpost::filter {

namespace {

struct NamedColor {
  std::string_view name;
  std::string_view value;
};
// CSS level 3, section 4.3.
// clang-format off
constexpr auto kColors = std::to_array<NamedColor>({
    {"aliceblue", "#f0f8ff"}, {"antiquewhite", "#faebd7"}, {"aqua", "#00ffff"}, {"aquamarine", "#7fffd4"},
    {"azure", "#f0ffff"}, {"beige", "#f5f5dc"}, {"bisque", "#ffe4c4"}, {"black", "#000000"},
    {"blanchedalmond", "#ffebcd"}, {"blue", "#0000ff"}, {"blueviolet", "#8a2be2"}, {"brown", "#a52a2a"},
    {"burlywood", "#deb887"}, {"cadetblue", "#5f9ea0"}, {"chartreuse", "#7fff00"}, {"chocolate", "#d2691e"},
    {"coral", "#ff7f50"}, {"cornflowerblue", "#6495ed"}, {"cornsilk", "#fff8dc"}, {"crimson", "#dc143c"},
    {"cyan", "#00ffff"}, {"darkblue", "#00008b"}, {"darkcyan", "#008b8b"}, {"darkgoldenrod", "#b8860b"},
    {"darkgray", "#a9a9a9"}, {"darkgreen", "#006400"}, {"darkgrey", "#a9a9a9"}, {"darkkhaki", "#bdb76b"},
    {"darkmagenta", "#8b008b"}, {"darkolivegreen", "#556b2f"}, {"darkorange", "#ff8c00"},
    {"darkorchid", "#9932cc"}, {"darkred", "#8b0000"}, {"darksalmon", "#e9967a"},
    {"darkseagreen", "#8fbc8f"}, {"darkslateblue", "#483d8b"}, {"darkslategray", "#2f4f4f"},
    {"darkslategrey", "#2f4f4f"}, {"darkturquoise", "#00ced1"}, {"darkviolet", "#9400d3"},
    {"deeppink", "#ff1493"}, {"deepskyblue", "#00bfff"}, {"dimgray", "#696969"}, {"dimgrey", "#696969"},
    {"dodgerblue", "#1e90ff"}, {"firebrick", "#b22222"}, {"floralwhite", "#fffaf0"},
    {"forestgreen", "#228b22"}, {"fuchsia", "#ff00ff"}, {"gainsboro", "#dcdcdc"}, {"ghostwhite", "#f8f8ff"},
    {"gold", "#ffd700"}, {"goldenrod", "#daa520"}, {"gray", "#808080"}, {"green", "#008000"},
    {"greenyellow", "#adff2f"}, {"grey", "#808080"}, {"honeydew", "#f0fff0"}, {"hotpink", "#ff69b4"},
    {"indianred", "#cd5c5c"}, {"indigo", "#4b0082"}, {"ivory", "#fffff0"}, {"khaki", "#f0e68c"},
    {"lavender", "#e6e6fa"}, {"lavenderblush", "#fff0f5"}, {"lawngreen", "#7cfc00"},
    {"lemonchiffon", "#fffacd"}, {"lightblue", "#add8e6"}, {"lightcoral", "#f08080"},
    {"lightcyan", "#e0ffff"}, {"lightgoldenrodyellow", "#fafad2"}, {"lightgray", "#d3d3d3"},
    {"lightgreen", "#90ee90"}, {"lightgrey", "#d3d3d3"}, {"lightpink", "#ffb6c1"},
    {"lightsalmon", "#ffa07a"}, {"lightseagreen", "#20b2aa"}, {"lightskyblue", "#87cefa"},
    {"lightslategray", "#778899"}, {"lightslategrey", "#778899"}, {"lightsteelblue", "#b0c4de"},
    {"lightyellow", "#ffffe0"}, {"lime", "#00ff00"}, {"limegreen", "#32cd32"}, {"linen", "#faf0e6"},
    {"magenta", "#ff00ff"}, {"maroon", "#800000"}, {"mediumaquamarine", "#66cdaa"},
    {"mediumblue", "#0000cd"}, {"mediumorchid", "#ba55d3"}, {"mediumpurple", "#9370db"},
    {"mediumseagreen", "#3cb371"}, {"mediumslateblue", "#7b68ee"}, {"mediumspringgreen", "#00fa9a"},
    {"mediumturquoise", "#48d1cc"}, {"mediumvioletred", "#c71585"}, {"midnightblue", "#191970"},
    {"mintcream", "#f5fffa"}, {"mistyrose", "#ffe4e1"}, {"moccasin", "#ffe4b5"}, {"navajowhite", "#ffdead"},
    {"navy", "#000080"}, {"oldlace", "#fdf5e6"}, {"olive", "#808000"}, {"olivedrab", "#6b8e23"},
    {"orange", "#ffa500"}, {"orangered", "#ff4500"}, {"orchid", "#da70d6"}, {"palegoldenrod", "#eee8aa"},
    {"palegreen", "#98fb98"}, {"paleturquoise", "#afeeee"}, {"palevioletred", "#db7093"},
    {"papayawhip", "#ffefd5"}, {"peachpuff", "#ffdab9"}, {"peru", "#cd853f"}, {"pink", "#ffc0cb"},
    {"plum", "#dda0dd"}, {"powderblue", "#b0e0e6"}, {"purple", "#800080"}, {"red", "#ff0000"},
    {"rosybrown", "#bc8f8f"}, {"royalblue", "#4169e1"}, {"saddlebrown", "#8b4513"}, {"salmon", "#fa8072"},
    {"sandybrown", "#f4a460"}, {"seagreen", "#2e8b57"}, {"seashell", "#fff5ee"}, {"sienna", "#a0522d"},
    {"silver", "#c0c0c0"}, {"skyblue", "#87ceeb"}, {"slateblue", "#6a5acd"}, {"slategray", "#708090"},
    {"slategrey", "#708090"}, {"snow", "#fffafa"}, {"springgreen", "#00ff7f"}, {"steelblue", "#4682b4"},
    {"tan", "#d2b48c"}, {"teal", "#008080"}, {"thistle", "#d8bfd8"}, {"tomato", "#ff6347"},
    {"turquoise", "#40e0d0"}, {"violet", "#ee82ee"}, {"wheat", "#f5deb3"}, {"white", "#ffffff"},
    {"whitesmoke", "#f5f5f5"}, {"yellow", "#ffff00"}, {"yellowgreen", "#9acd32"},
});
// clang-format on
static_assert(std::ranges::is_sorted(kColors, {}, &NamedColor::name));

// The numbers between "rgb(" and ")"; a percentage is of 255. Empty when they are not three.
std::vector<unsigned> rgb_numbers(std::string_view text) {
  std::vector<unsigned> numbers;
  const std::size_t open = text.find("rgb(");
  const std::size_t close = open == kNowhere ? kNowhere : text.find(')', open);
  if (close == kNowhere) return {};
  for (std::size_t at = open + 4; at < close;) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data() + at, text.data() + close, value);
    if (error != std::errc{}) return {};
    at = static_cast<std::size_t>(end - text.data());
    if (text[at] == '%') {
      value = value * 255 / 100;
      ++at;
    }
    numbers.push_back(value);
    while (at < close && (is_space(text[at]) || text[at] == ',')) ++at;
  }
  return numbers.size() == 3 ? numbers : std::vector<unsigned>{};
}

std::string hex_color(std::string_view text) {
  std::string digits;
  for (const char c : text)
    if (hex_value(c) >= 0) digits += c;
  if (digits.size() > 6) digits.resize(6);
  if (digits.size() > 3 && digits.size() < 6) digits.resize(3);
  digits.resize((digits.size() + 2) / 3 * 3, '0');
  if (digits.size() == 3) {
    const char r = digits[0], g = digits[1], b = digits[2];
    digits = {r, r, g, g, b, b};
  }
  return "#" + digits;
}

}  // namespace

std::string parse_color(std::string_view text) {
  const std::string color = lower(trim(text));
  const auto named = std::ranges::lower_bound(kColors, color, {}, &NamedColor::name);
  if (named != kColors.end() && named->name == color) return std::string(named->value);
  const bool hexadecimal = std::ranges::all_of(color, [](char c) { return c == '#' || hex_value(c) >= 0; });
  if (const auto numbers = rgb_numbers(color); !hexadecimal && !numbers.empty())
    return hex_color(fmt::format("#{:02x}{:02x}{:02x}", numbers[0], numbers[1], numbers[2]));
  return hexadecimal && color.starts_with('#') ? hex_color(color) : std::string(kInvalidColor);
}

std::string parse_css_color(std::string_view value) {
  if (!contains(value, "rgb")) return parse_color(value);
  std::array<unsigned, 3> parts{};
  std::size_t part = 0;
  for (const char c : value) {
    if (c == ',' && ++part == parts.size()) break;
    if (is_digit(c)) parts[part] = std::min(parts[part] * 10 + static_cast<unsigned>(c - '0'), 255U);
  }
  return fmt::format("#{:02x}{:02x}{:02x}", parts[0], parts[1], parts[2]);
}

namespace {

// The words of the last layer; layers are separated by commas outside of brackets and quotes.
std::vector<std::string> last_layer(std::string_view value) {
  std::vector<std::string> words;
  std::vector<std::string> layer;
  std::string word;
  std::string open;  // what is still to be closed: brackets and quotes
  const auto end_word = [&] {
    if (!word.empty()) words.push_back(std::move(word));
    word.clear();
  };
  for (const char c : value) {
    const bool quoted = !open.empty() && open.back() != ')';
    if (!open.empty() && c == open.back()) {
      open.pop_back();
      word += c;
      if (c == ')') end_word();
    } else if (!quoted && (c == '"' || c == '\'')) {
      open += c;
      word += c;
    } else if (open.empty() && c == '(') {
      open += ')';
      word += c;
    } else if (open.empty() && (c == ' ' || c == ',')) {
      end_word();
      if (c == ',') layer = std::exchange(words, {});
    } else {
      word += c;
    }
  }
  end_word();
  return words.empty() ? layer : words;
}

}  // namespace

std::string background_color(std::string_view value) {
  for (const std::string& word : last_layer(value))
    if (std::string color = parse_color(word); color != kInvalidColor) return color;
  return {};
}

bool is_low_contrast(std::string_view foreground, std::string_view background) {
  const auto tail = [](std::string_view text) {
    return text.substr(text.size() - std::min<std::size_t>(text.size(), 6));
  };
  const std::string_view fore = tail(foreground);
  const std::string_view back = tail(background);
  if (fore == back) return true;
  const auto is_hex = [](std::string_view text) {
    return text.size() == 6 && std::ranges::all_of(text, [](char c) { return hex_value(c) >= 0; });
  };
  if (!is_hex(fore) || !is_hex(back)) return false;
  // The distance of two colours, weighed as the eye sees red, green and blue.
  constexpr std::array<double, 3> kWeights{0.2126, 0.7152, 0.0722};
  double sum = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    const auto part = [&](std::string_view text) {
      return hex_value(text[2 * i]) * 16 + hex_value(text[2 * i + 1]);
    };
    sum += std::pow(kWeights[i] * (part(fore) - part(back)), 2);
  }
  return std::sqrt(sum) < 12;
}

}  // namespace ringpost::filter
