#include "format.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <time.h>

namespace ringpost::publish {

namespace {

using observe::EventKey;

constexpr std::array kMonths = std::to_array<std::string_view>(
    {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"});

// The length of the UTF-8 character at the front, or 0 when there is none (RFC 3629: no surrogates, nothing overlong).
std::size_t utf8_size(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = at(0);
  if (first < 0x80) return 1;
  const std::size_t size = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < size) return 0;
  for (std::size_t i = 1; i < size; ++i)
    if ((at(i) & 0xC0U) != 0x80U) return 0;
  const unsigned second = at(1);
  const bool wrong = (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
                     (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F);
  return wrong ? 0 : size;
}

// Characters that a terminal or a log reader may take for a line end or a command: C1 controls, U+2028 and U+2029.
bool breaks_lines(std::string_view character) {
  if (character.size() == 2) return character[0] == '\xC2' && static_cast<unsigned char>(character[1]) < 0xA0;
  return character == "\xE2\x80\xA8" || character == "\xE2\x80\xA9";
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

void append_hex(std::string_view bytes, std::string& out) {
  for (const char c : bytes)
    fmt::format_to(std::back_inserter(out), "\\x{:02X}", static_cast<unsigned char>(c));
}

// The length of the run of printable ASCII at the front, none of it in `special`: nearly all that is logged.
std::size_t bare_run(std::string_view text, std::string_view special) {
  std::size_t size = 0;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7F) break;
    if (std::ranges::any_of(special, [c](char each) { return each == c; })) break;
    ++size;
  }
  return size;
}

// Copies UTF-8; controls, stray bytes and the characters of `special` become \xNN.
void append_escaped(std::string_view text, std::string_view special, std::string& out) {
  while (true) {
    const std::size_t run = bare_run(text, special);
    out += text.substr(0, run);
    text.remove_prefix(run);
    if (text.empty()) return;
    const std::size_t size = utf8_size(text);
    const std::string_view character = text.substr(0, size == 0 ? 1 : size);
    if (size > 1 && !breaks_lines(character))
      out += character;
    else
      append_hex(character, out);
    text.remove_prefix(character.size());
  }
}

bool needs_quotes(std::string_view text) {
  if (text.empty()) return true;
  for (const char c : text)
    if (is_control(c) || c == ' ' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '=' ||
        static_cast<unsigned char>(c) >= 0x80)
      return true;
  return false;
}

struct KeyForm {
  std::string_view name;
  bool path = false;  // written as <address>
};

KeyForm form_of(EventKey key) {
  switch (key) {
    case EventKey::sender:
      return {"from", true};
    case EventKey::recipient:
      return {"to", true};
    case EventKey::original_recipient:
      return {"orig_to", true};
    case EventKey::message_id:
      return {"message-id"};
    default:
      return {observe::to_string(key)};
  }
}

void append_field(EventKey key, std::string_view text, std::string& out) {
  const KeyForm form = form_of(key);
  out += ' ';
  out += form.name;
  out += '=';
  if (form.path) {
    out += '<';
    append_escaped(text, "<>\\", out);
    out += '>';
  } else if (needs_quotes(text)) {
    out += '"';
    append_escaped(text, "\"\\", out);
    out += '"';
  } else {
    out += text;
  }
}

bool is_number_key(EventKey key) {
  return key == EventKey::size || key == EventKey::recipient_count || key == EventKey::delay ||
         key == EventKey::attempts || key == EventKey::code || key == EventKey::score ||
         key == EventKey::required || key == EventKey::filter_time;
}

// Digits with at most one point inside, and no leading zero that JSON would refuse.
bool is_json_number(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const std::string_view part = point == text.npos ? "0" : text.substr(point + 1);
  const auto digits = [](std::string_view t) {
    return !t.empty() && t.find_first_not_of("0123456789") == t.npos;
  };
  return digits(whole) && digits(part) && (whole.size() == 1 || whole[0] != '0') && text.size() < 20;
}

void append_json_text(std::string_view text, std::string& out) {
  out += '"';
  while (!text.empty()) {
    const std::size_t size = utf8_size(text);
    const std::string_view character = text.substr(0, size == 0 ? 1 : size);
    if (size == 0)
      out += "\xEF\xBF\xBD";  // U+FFFD stands for a byte that is no UTF-8
    else if (character == "\"" || character == "\\")
      (out += '\\') += character;
    else if (size == 1 && is_control(character[0]))
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(character[0]));
    else if (size > 1 && breaks_lines(character))
      fmt::format_to(std::back_inserter(out), "\\u{:04x}",
                     size == 2 ? static_cast<unsigned>(static_cast<unsigned char>(character[1]))
                               : 0x2000U + (static_cast<unsigned char>(character[2]) & 0x3FU));
    else
      out += character;
    text.remove_prefix(character.size());
  }
  out += '"';
}

void append_rfc3339(WallTime time, std::string& out) {
  const time_t seconds = time.seconds();
  tm parts{};
  gmtime_r(&seconds, &parts);
  fmt::format_to(std::back_inserter(out), "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900,
                 parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                 time.nanoseconds / 1'000'000 % 1000);
}

}  // namespace

void Event::assign(const observe::EventView& view) {
  type = view.type;
  time = view.time;
  fields.clear();
  view.for_each([this](EventKey key, std::string_view text) { fields.emplace_back(key, text); });
}

std::string_view Event::get(EventKey key) const {
  for (const auto& [each, text] : fields)
    if (each == key) return text;
  return {};
}

int severity_of(const Event& event) {
  const std::string_view severity = event.get(EventKey::severity);
  return severity == "error" ? 3 : severity == "warning" ? 4 : 6;
}

void append_message(const Event& event, std::string& out) {
  if (const std::string_view id = event.get(EventKey::queue_id); !id.empty()) {
    append_escaped(id, ": ", out);
    out += ": ";
  }
  out += observe::to_string(event.type);
  for (const auto& [key, text] : event.fields)
    if (key != EventKey::queue_id) append_field(key, text, out);
}

void append_json(const Event& event, std::string_view hostname, std::string& out) {
  out += "{\"time\":\"";
  append_rfc3339(event.time, out);
  out += "\",\"host\":";
  append_json_text(hostname, out);
  fmt::format_to(std::back_inserter(out), ",\"type\":\"{}\"", observe::to_string(event.type));
  std::uint64_t seen = 0;  // an object has each key once: the first, as EventView::get says
  for (const auto& [key, text] : event.fields) {
    const std::uint64_t bit = std::uint64_t{1} << static_cast<unsigned>(key);
    if ((seen & bit) != 0) continue;
    seen |= bit;
    fmt::format_to(std::back_inserter(out), ",\"{}\":", observe::to_string(key));
    if (is_number_key(key) && is_json_number(text))
      out += text;
    else
      append_json_text(text, out);
  }
  out += '}';
}

void append_syslog_time(WallTime time, std::string& out) {
  const time_t seconds = time.seconds();
  tm parts{};
  localtime_r(&seconds, &parts);
  fmt::format_to(std::back_inserter(out), "{} {:2} {:02}:{:02}:{:02}",
                 kMonths.at(static_cast<std::size_t>(parts.tm_mon)), parts.tm_mday, parts.tm_hour,
                 parts.tm_min, parts.tm_sec);
}

}  // namespace ringpost::publish
