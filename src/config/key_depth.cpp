#include "key_depth.hpp"

#include <algorithm>

namespace ringpost::config {

namespace {

// `at` stands on the opening quote; gives the index behind the closing one, and counts lines on the way.
std::size_t skip_string(std::string_view text, std::size_t at, std::uint32_t& line) {
  const char quote = text[at];
  const std::string_view three = quote == '"' ? "\"\"\"" : "'''";
  const bool multi_line = text.substr(at, 3) == three;
  if (!multi_line && text.substr(at, 2) == three.substr(0, 2)) return at + 2;
  for (at += multi_line ? 3 : 1; at < text.size(); ++at) {
    if (text[at] == '\n') {
      if (!multi_line) return at;
      ++line;
    } else if (text[at] == '\\' && quote == '"') {
      if (at + 1 < text.size() && text[at + 1] != '\n') ++at;
    } else if (!multi_line && text[at] == quote) {
      return at + 1;
    } else if (multi_line && text.substr(at, 3) == three) {
      at += 3;
      // Up to two more quotes belong to the string.
      for (int more = 0; more < 2 && at < text.size() && text[at] == quote; ++more) ++at;
      return at;
    }
  }
  return at;
}

}  // namespace

std::uint32_t line_of_deep_key(std::string_view text, std::size_t max) {
  std::uint32_t line = 1;
  std::size_t dots = 0;
  for (std::size_t at = 0; at < text.size();) {
    switch (text[at]) {
      case '"':
      case '\'':
        at = skip_string(text, at, line);
        continue;
      case '#':
        at = std::min(text.find('\n', at), text.size());
        continue;
      case '.':
        if (++dots >= max) return line;
        break;
      case '\n':
        ++line;
        [[fallthrough]];
      case '=':
      case ',':
      case '[':
      case ']':
      case '{':
      case '}':
        dots = 0;
        break;
      default:
        break;
    }
    ++at;
  }
  return 0;
}

}  // namespace ringpost::config
