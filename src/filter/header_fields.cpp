#include "header_fields.hpp"

#include <algorithm>
#include <unordered_map>

#include "ringpost/filter/view_limits.hpp"

#include "characters.hpp"
#include "decoded_text.hpp"

namespace ringpost::filter {

std::uint32_t HeaderFields::hash_of(std::string_view name) {
  std::uint32_t hash = 2166136261U;
  for (const char c : name) hash = (hash ^ (static_cast<unsigned char>(c) | 0x20U)) * 16777619U;
  return hash;
}
bool HeaderFields::is_named(std::size_t at, std::uint32_t hash, std::string_view name) const {
  return hashes_[at] == hash && equal_nocase(fields_[at].name(), name);
}

Field::Field(std::string_view name, std::string_view raw) : name_size_(name.size()) {
  text_.reserve(name.size() + kSeparator.size() + 1 + 2 * raw.size());
  text_ += name;
  text_ += kSeparator;
  append_decoded_field(text_, name, raw);
  text_ += '\n';
  line_size_ = text_.size();
  text_ += raw;
}

void HeaderFields::add(std::string_view name, std::string_view raw) {
  fields_.emplace_back(name, raw);
  hashes_.push_back(hash_of(name));
  marks_ |= mark_of(hashes_.back());
}

void HeaderFields::remove_prefix(std::string_view prefix) {
  std::erase_if(fields_, [&](const Field& field) { return starts_nocase(field.name(), prefix); });
  hashes_.clear();
  for (const Field& field : fields_) hashes_.push_back(hash_of(field.name()));
}

const Field* HeaderFields::last(std::string_view name, std::uint32_t hash) const {
  if ((marks_ & mark_of(hash)) == 0) return nullptr;
  for (std::size_t at = fields_.size(); at-- > 0;)
    if (is_named(at, hash, name)) return &fields_[at];
  return nullptr;
}

const Field* HeaderFields::first(std::string_view name, std::uint32_t hash) const {
  for (std::size_t at = 0; at < fields_.size(); ++at)
    if (is_named(at, hash, name)) return &fields_[at];
  return nullptr;
}

std::string_view HeaderFields::value(std::string_view name) const {
  const Field* field = last(name);
  return field == nullptr ? std::string_view{} : field->decoded();
}

namespace {

std::string unfolded(std::string_view raw) {
  std::string out;
  out.reserve(raw.size());
  for (std::size_t at = 0; at < raw.size();) {
    const bool crlf = raw.substr(at).starts_with("\r\n");
    const std::size_t next = at + (crlf ? 2U : 1U);
    if ((raw[at] == '\n' || crlf) && next < raw.size() && is_space(raw[next])) {
      at = next;
      while (at < raw.size() && is_space(raw[at])) ++at;
      out += ' ';
    } else {
      out += raw[at++];
    }
  }
  return out;
}

std::string raw_line(const Field& field) {
  std::string line(field.name());
  line += ": ";
  line += unfolded(field.raw());
  return line;
}

}  // namespace

std::vector<std::string_view> HeaderFields::lines() const {
  std::vector<std::string_view> lines;
  lines.reserve(fields_.size());
  for (const Field& field : fields_) lines.push_back(field.line());
  return within_limit(std::move(lines));
}

std::vector<std::string> HeaderFields::raw_lines() const {
  std::vector<std::string> lines;
  lines.reserve(fields_.size());
  for (const Field& field : fields_) lines.push_back(raw_line(field));
  return within_limit(std::move(lines));
}

// The limit counts name by name, in the order of their first fields.
template <class Line>
std::vector<Line> HeaderFields::within_limit(std::vector<Line> lines) const {
  std::size_t all = 0;
  for (const Line& line : lines) all += line.size();
  if (all <= kAllFieldsSizeMax) return lines;
  std::vector<std::string> order;
  std::unordered_map<std::string, std::vector<std::size_t>> places;
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    auto& list = places[lower(fields_[i].name())];
    if (list.empty()) order.push_back(lower(fields_[i].name()));
    list.push_back(i);
  }
  std::vector<Line> kept(fields_.size());
  std::size_t size = 0;
  for (const std::string& name : order)
    for (const std::size_t i : places[name]) {
      size += lines[i].size();
      if (size > kAllFieldsSizeMax) {
        std::erase(kept, "");
        return kept;
      }
      kept[i] = std::move(lines[i]);
    }
  return kept;
}

namespace {

// Where CRLF ends the first or the last line, it ends all.
std::string in_lf_lines(std::string_view message) {
  const std::size_t first = message.find('\n');
  const bool crlf =
      (first != kNowhere && first > 0 && message[first - 1] == '\r') || message.ends_with("\r\n");
  if (!crlf) return std::string(message);
  return crlf_to_lf(message);
}

bool is_mbox_line(std::string_view line) {
  if (!line.starts_with("From") || line.size() < 5 || !is_space(line[4])) return false;
  const std::string_view rest = trim_front(line.substr(4));
  return rest.empty() || rest.front() != ':' || line.size() - rest.size() > 5;
}

bool begins_field(std::string_view line) {
  std::size_t at = 0;
  while (at < line.size() && line[at] > ' ' && line[at] < '\x7F' && line[at] != ':') ++at;
  if (at == 0) return false;
  while (at < line.size() && is_blank(line[at])) ++at;
  return at < line.size() && line[at] == ':';
}

// Adds the field of `text`, name to last continuation line; nothing when it has no colon.
void add_field(std::string_view text, MessageText& message) {
  const std::size_t colon = text.find(':');
  if (colon == kNowhere) return;
  std::string_view name = text.substr(0, colon);
  while (!name.empty() && is_blank(name.back())) name.remove_suffix(1);
  std::string_view value = text.substr(colon + 1);
  message.truncated |= name.size() > kFieldNameSizeMax || value.size() > kFieldValueSizeMax;
  message.fields.add(name.substr(0, kFieldNameSizeMax), value.substr(0, kFieldValueSizeMax));
}

// Reads fields off the front of `rest`; what is left is the body.
void read_header(std::string_view text, MessageText& message) {
  std::string_view rest = text;
  std::size_t bad_lines = 0;
  const char* field = nullptr;
  const auto finish_field = [&](const char* end) {
    if (field != nullptr) add_field({field, static_cast<std::size_t>(end - field)}, message);
    field = nullptr;
  };
  for (;;) {
    const char* const begin = rest.data();
    std::string_view after = rest;
    const std::string_view line = take_line(after);
    if (!line.empty() && is_blank(line.front())) {
      if (field == nullptr) field = begin;
      rest = after;
      continue;
    }
    finish_field(begin);
    message.missing_separator = line.empty() || line.starts_with("--");
    if (line == "\n") rest = after;
    if (line.empty() || line == "\n" || line.starts_with("--")) break;
    if (!begins_field(line) && ++bad_lines > kBadFieldLinesMax) {
      message.missing_separator = true;
      break;
    }
    field = begin;
    rest = after;
  }
  message.header = text.substr(0, text.size() - rest.size());
  message.body = rest;
}

}  // namespace

MessageText split_message(std::string_view message) {
  std::string text = in_lf_lines(message);
  if (text.empty()) text = "\n";
  std::string_view rest = text;
  std::string_view after = rest;
  if (is_mbox_line(take_line(after))) rest = after;
  MessageText parsed;
  read_header(rest, parsed);
  return parsed;
}

std::vector<std::string_view> raw_fields(std::string_view header) {
  std::vector<std::string_view> fields;
  fields.reserve(static_cast<std::size_t>(std::ranges::count(header, '\n')));
  bool open = false;
  while (!header.empty()) {
    const std::string_view line = take_line(header);
    // A continuation stands right behind what it goes on.
    if (is_blank(line.front())) {
      if (open) fields.back() = {fields.back().data(), fields.back().size() + line.size()};
    } else {
      open = line != "\n";
      if (open) fields.push_back(line);
    }
  }
  return fields;
}

}  // namespace ringpost::filter
