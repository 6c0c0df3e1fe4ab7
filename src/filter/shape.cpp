#include "shape.hpp"

#include <algorithm>

#include "ringpost/base/address.hpp"

#include "characters.hpp"

namespace ringpost::filter {

namespace {

// What is dearer or cheaper than to look at one byte.
constexpr std::size_t kBytesInStep = 8, kStepsOfAddress = 16;

std::size_t ipv4_size_at(std::string_view text, std::size_t at) {
  std::size_t place = at;
  for (int octet = 0; octet < 4; ++octet) {
    if (octet > 0 && (place >= text.size() || text[place++] != '.')) return 0;
    const std::size_t begin = place;
    unsigned value = 0;
    while (place < text.size() && is_digit(text[place]) && place - begin < 3)
      value = value * 10 + static_cast<unsigned>(text[place++] - '0');
    if (place == begin || value > 255 || (place - begin > 1 && text[begin] == '0')) return 0;
  }
  return place < text.size() && is_word(text[place]) ? 0 : place - at;
}

std::size_t ipv6_size_at(std::string_view text, std::size_t at) {
  const bool labelled = starts_nocase(text.substr(at), "IPv6:");
  const std::size_t begin = at + (labelled ? 5U : 0U);
  const auto in_address = [](char c) { return hex_value(c) >= 0 || c == ':'; };
  if (!labelled && at > 0 && in_address(text[at - 1])) return 0;
  std::size_t end = begin;
  while (end < text.size() && end - begin < 46 && (in_address(text[end]) || text[end] == '.')) ++end;
  const std::string_view run = text.substr(begin, end - begin);
  if (std::ranges::count(run, ':') < 2) return 0;
  for (std::size_t size = run.size(); size > 1; --size) {
    const bool goes_on = begin + size < text.size() && in_address(text[begin + size]);
    if (!goes_on && parse_address(run.substr(0, size))) return begin + size - at;
  }
  return 0;
}

}  // namespace

std::size_t ip_size_at(std::string_view text, std::size_t at) {
  if (at >= text.size()) return 0;
  if (is_digit(text[at]) && (at == 0 || (!is_word(text[at - 1]) && text[at - 1] != ':')))
    if (const std::size_t size = ipv4_size_at(text, at)) return size;
  const char c = to_lower(text[at]);
  return hex_value(c) >= 0 || c == ':' || c == 'i' ? ipv6_size_at(text, at) : 0;
}

bool ShapeMatch::matches(std::string_view shape) {
  words_ = {};
  return step(shape, 0);
}

bool ShapeMatch::step(std::string_view shape, std::size_t at) {
  while (!shape.empty()) {
    if (!spend()) return false;
    const char c = shape.front();
    if (c == '%') return special(shape[1], shape.substr(2), at);
    if (c == '$') return at == line_.size();
    if (at >= line_.size() || line_[at] != c) return false;
    shape.remove_prefix(1);
    ++at;
  }
  return true;
}

// The longest first; only ends before which the shape can go on are tried.
bool ShapeMatch::spans(std::string_view rest, std::size_t at, std::size_t least, std::size_t most) {
  const bool literal = !rest.empty() && rest.front() != '%' && rest.front() != '$';
  for (std::size_t size = most + 1; size-- > least && spend();) {
    if (literal && (at + size >= line_.size() || line_[at + size] != rest.front())) continue;
    if (step(rest, at + size)) return true;
  }
  return false;
}

bool ShapeMatch::word(char kind, std::string_view rest, std::size_t at, bool may_be_empty) {
  std::size_t end = at;
  while (end < line_.size() && line_[end] != ' ') ++end;
  if (!spend((end - at) / kBytesInStep)) return false;
  const bool literal = !rest.empty() && rest.front() != '%' && rest.front() != '$';
  for (std::size_t stop = end + 1; stop-- > at + (may_be_empty ? 0U : 1U) && spend();) {
    if (literal && (stop >= line_.size() || line_[stop] != rest.front())) continue;
    if (!step(rest, stop)) continue;
    const std::string_view taken = line_.substr(at, stop - at);
    switch (kind) {
      case 'h':
        words_.helo = taken;
        break;
      case 'r':
        words_.rdns = taken;
        break;
      case 'b':
        words_.by = taken;
        break;
      case 'd':
        words_.ident = taken;
        break;
      case 'e':
        words_.envelope = taken;
        break;
      default:
        break;
    }
    return true;
  }
  return false;
}

bool ShapeMatch::special(char kind, std::string_view rest, std::size_t at) {
  const auto optional_char = [&](char c) {
    return (at < line_.size() && line_[at] == c && step(rest, at + 1)) || step(rest, at);
  };
  const auto run = [&](auto in_run) {
    std::size_t size = 0;
    while (at + size < line_.size() && in_run(line_[at + size])) ++size;
    (void)spend(size / kBytesInStep);
    return size;
  };
  switch (kind) {
    case 'i': {
      const std::size_t size = spend(kStepsOfAddress) ? ip_size_at(line_, at) : 0;
      if (size == 0 || !step(rest, at + size)) return false;
      words_.ip = line_.substr(at, size);
      return true;
    }
    case 'n':
      return spans(rest, at, 1, run(is_digit));
    case '[':
      return optional_char('[');
    case ']':
      return optional_char(']');
    case '_':
      return optional_char(' ');
    case '*':
      return spans(rest, at, 0, line_.size() - at);
    case ')':
      return spans(rest, at, 0, run([](char c) { return c != ')'; }));
    case '^':
      return (line_.substr(at).starts_with("HELO") || line_.substr(at).starts_with("EHLO")) &&
             step(rest, at + 4);
    case 'p':
      if (at < line_.size() && (line_[at] == ':' || line_[at] == '.') && special('n', rest, at + 1))
        return true;
      return step(rest, at);
    case 'z': {
      if (at >= line_.size() || line_[at] != '%') return step(rest, at);
      ++at;
      return spans(rest, at, 0,
                   run([](char c) { return is_alnum(c) || c == '.' || c == '_' || c == '~' || c == '-'; }));
    }
    default:
      return word(to_lower(kind), rest, at, is_upper(kind));
  }
}

}  // namespace ringpost::filter
