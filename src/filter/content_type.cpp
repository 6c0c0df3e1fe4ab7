#include "content_type.hpp"

#include <map>

#include "characters.hpp"

namespace ringpost::filter {

namespace {

constexpr CharacterSet kSpecials("\"(),:;<=>?@[\\]");

// Where the value of the parameter begins, behind "name =": `name` must begin a word. kNowhere: it has none.
std::size_t find_parameter(std::string_view value, std::string_view name, std::size_t from = 0) {
  for (std::size_t at = find_nocase(value, name, from); at != kNowhere;
       at = find_nocase(value, name, at + 1)) {
    if (at > 0 && is_word(value[at - 1])) continue;
    std::size_t next = at + name.size();
    while (next < value.size() && is_space(value[next])) ++next;
    if (next < value.size() && value[next] == '=') {
      ++next;
      while (next < value.size() && is_space(value[next])) ++next;
      return next;
    }
  }
  return kNowhere;
}

// To the next semicolon or line end, with one quote of any kind taken off at each end.
std::string loose_value(std::string_view value, std::size_t at) {
  const auto is_quote = [](char c) { return c == '"' || c == '\''; };
  if (at < value.size() && is_quote(value[at])) ++at;
  std::string_view text = value.substr(at);
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const bool at_end = i == text.size() || text[i] == ';' || (text[i] == '\n' && i + 1 == text.size());
    if (at_end) return std::string(text.substr(0, i));
    if (text[i] == '\n') return {};
    const bool quote_ends = is_quote(text[i]) && (i + 1 == text.size() || text[i + 1] == ';');
    if (quote_ends) return std::string(text.substr(0, i));
  }
  return {};
}

std::optional<std::string> parameter(std::string_view value, std::string_view name) {
  const std::size_t at = find_parameter(value, name);
  if (at == kNowhere) return std::nullopt;
  return loose_value(value, at);
}

std::optional<std::string> boundary_of(std::string_view value) {
  for (std::size_t from = 0;;) {
    const std::size_t at = find_parameter(value, "boundary", from);
    if (at == kNowhere || at >= value.size()) return std::nullopt;
    if (value[at] == '"') {
      const std::size_t end = std::min(value.find('"', at + 1), value.size());
      if (end > at + 1) return std::string(value.substr(at + 1, end - at - 1));
    } else {
      std::size_t end = at;
      while (end < value.size() && !is_space(value[end]) && value[end] != '"' && value[end] != ';') ++end;
      if (end > at && (end == value.size() || value[end] != '"'))
        return std::string(value.substr(at, end - at));
    }
    from = at;
  }
}

// The pieces name*0, name*1 ... of RFC 2231 put together.
std::optional<std::string> continued_name(std::string_view value) {
  std::map<unsigned, std::string> pieces;
  for (std::size_t at = find_nocase(value, "name*"); at != kNowhere;
       at = find_nocase(value, "name*", at + 1)) {
    std::size_t next = at + 5;
    unsigned number = 0;
    while (next < value.size() && is_digit(value[next]) && number < 1000)
      number = number * 10 + static_cast<unsigned>(value[next++] - '0');
    if (next == at + 5) continue;
    while (next < value.size() && is_space(value[next])) ++next;
    if (next >= value.size() || value[next] != '=') continue;
    ++next;
    while (next < value.size() && is_space(value[next])) ++next;
    pieces[number] = loose_value(value, next);
  }
  if (!pieces.contains(0)) return std::nullopt;
  std::string name;
  for (const auto& [number, piece] : pieces) name += piece;
  return name;
}

std::string_view type_text(std::string_view value) {
  value = trim_front(value);
  value = value.substr(0, value.find(';'));
  const std::size_t slash = value.find('/');
  if (slash == kNowhere || slash == 0) return value.substr(0, slash == 0 ? kNowhere : value.find('\n'));
  std::size_t end = slash + 1;
  while (end < value.size() && !is_space(value[end]) && value[end] != '/') ++end;
  return value.substr(0, end);
}

bool is_stray(char c) {
  return static_cast<std::uint8_t>(c) <= ' ' || is_eight_bit(c) || c == '\x7F' || kSpecials.has(c);
}

}  // namespace

ContentType parse_content_type(std::string_view value) {
  ContentType parsed;
  parsed.missing = value.empty();
  if (parsed.missing) {
    parsed.charset = "us-ascii";
    return parsed;
  }
  parsed.boundary = boundary_of(value);
  parsed.charset = parameter(value, "charset");
  parsed.name = parameter(value, "name");
  if (!parsed.name) parsed.name = parameter(value, "filename");
  if (!parsed.name || parsed.name->empty())
    if (auto name = continued_name(value)) parsed.name = std::move(name);

  std::string type = lower(type_text(value));
  if (type.empty()) parsed.missing = true;
  const bool text = type.starts_with("text") && (type.size() == 4 || !is_word(type[4]));
  if (type.empty() || (text && type != "text/x-vcard" && type != "text/calendar" && type != "text/html"))
    type = "text/plain";
  std::erase_if(type, is_stray);
  parsed.type = std::move(type);
  return parsed;
}

}  // namespace ringpost::filter
