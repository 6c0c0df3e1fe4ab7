#include "pop3_reader.hpp"

#include <cstring>
#include <utility>

#include "ringpost/scan/find.hpp"

namespace ringpost::loadgen {

std::optional<std::string_view> Pop3Reader::line(std::span<const std::byte>& input) {
  if (whole_) text_.clear();
  if (input.empty() || broken_) return std::nullopt;
  const std::string_view bytes = scan::as_text(input);
  const std::size_t end = bytes.find('\n');
  std::string_view segment = bytes.substr(0, end);
  input = input.subspan(end == std::string_view::npos ? bytes.size() : end + 1);
  if (text_.size() + segment.size() > kPop3LineMax) {
    broken_ = true;
    return std::nullopt;
  }
  if (end == std::string_view::npos || !whole_) {
    text_.append(segment);
    segment = text_;
  }
  whole_ = end != std::string_view::npos;
  if (!whole_) return std::nullopt;
  if (segment.ends_with('\r')) segment.remove_suffix(1);
  return segment;
}

// The rest of a line goes by at once; only what stands at its start is looked at byte by byte.
std::optional<Pop3Body> Pop3Reader::body(std::span<const std::byte>& input) {
  while (!input.empty() && !over_) {
    if (place_ != Place::within) {
      step(input[0]);
      input = input.subspan(1);
      continue;
    }
    const void* const found = std::memchr(input.data(), '\n', input.size());
    const std::size_t size =
        found == nullptr ? input.size()
                         : static_cast<std::size_t>(static_cast<const std::byte*>(found) - input.data()) + 1;
    body_.bytes += size;
    input = input.subspan(size);
    if (found == nullptr) continue;
    ++body_.lines;
    place_ = Place::line_start;
  }
  if (!over_) return std::nullopt;
  over_ = false;
  return std::exchange(body_, {});
}

void Pop3Reader::step(std::byte byte) {
  const char c = static_cast<char>(byte);
  if (place_ == Place::line_start && c == '.') {
    place_ = Place::dot;  // stuffed, or the end
    return;
  }
  if (place_ == Place::dot && c == '\r') {
    place_ = Place::dot_cr;
    return;
  }
  if (c == '\n' && place_ != Place::line_start) {  // ".CRLF"; ".LF" of a careless server
    over_ = true;
    place_ = Place::line_start;
    return;
  }
  body_.bytes += place_ == Place::dot_cr ? 2 : 1;
  if (c == '\n') ++body_.lines;
  place_ = c == '\n' ? Place::line_start : Place::within;
}

Pop3Line parse_pop3(std::string_view line) {
  Pop3Line parsed{.ok = line.starts_with("+OK"), .known = true};
  if (!parsed.ok && !line.starts_with("-ERR")) return {.text = line};
  line.remove_prefix(parsed.ok ? 3 : 4);
  if (line.starts_with(' ')) line.remove_prefix(1);
  if (line.starts_with('[')) {
    const std::size_t end = line.find(']');
    if (end != std::string_view::npos) {
      parsed.code = line.substr(1, end - 1);
      line.remove_prefix(end + 1);
      if (line.starts_with(' ')) line.remove_prefix(1);
    }
  }
  parsed.text = line;
  return parsed;
}

}  // namespace ringpost::loadgen
