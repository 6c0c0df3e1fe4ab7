#include "body_check.hpp"

#include <algorithm>
#include <charconv>

#include "ringpost/mail/address.hpp"
#include "ringpost/scan/crc32c.hpp"
#include "ringpost/scan/find.hpp"

#include "limits.hpp"
#include "message_fields.hpp"

namespace ringpost::loadgen {

namespace {

// What stands behind "name:" without blanks around it, when the line is of that field.
std::optional<std::string_view> value_of(std::string_view line, std::string_view name) {
  if (line.size() <= name.size() || line[name.size()] != ':') return std::nullopt;
  if (!mail::equal_ignoring_case(line.substr(0, name.size()), name)) return std::nullopt;
  line.remove_prefix(name.size() + 1);
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!line.empty() && is_blank(line.front())) line.remove_prefix(1);
  while (!line.empty() && is_blank(line.back())) line.remove_suffix(1);
  return line;
}

std::optional<WallTime> parse_nanoseconds(std::string_view text) {
  WallTime time;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), time.nanoseconds);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return time;
}

}  // namespace

void BodyCheck::start() {
  line_.clear();
  verdict_ = {};
  in_header_ = true;
}

void BodyCheck::feed(std::span<const std::byte> bytes) {
  while (in_header_ && !bytes.empty()) {
    const std::size_t newline = scan::find_byte(bytes, std::byte{'\n'});
    const std::size_t size = newline == scan::kNotFound ? bytes.size() : newline + 1;
    std::string_view part = scan::as_text(bytes.first(size));
    bytes = bytes.subspan(size);
    if (newline == scan::kNotFound || !line_.empty()) {
      line_.append(part.substr(0, kFieldBytesMax - std::min(kFieldBytesMax, line_.size())));
      if (newline == scan::kNotFound) return;
      // The end of a long line was not kept; its beginning is.
      part = line_;
    }
    end_line(part);
    line_.clear();
  }
  if (!bytes.empty()) verdict_.checksum = scan::crc32c(bytes, verdict_.checksum);
}

void BodyCheck::end_line(std::string_view line) {
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  if (line.empty()) {
    in_header_ = false;
    return;
  }
  if (line.front() != 'X' && line.front() != 'x') return;
  if (const auto id = value_of(line, kIdField)) verdict_.id = parse_id(*id);
  if (const auto checksum = value_of(line, kChecksumField)) verdict_.announced = parse_checksum(*checksum);
  if (const auto sent = value_of(line, kSentField)) verdict_.sent = parse_nanoseconds(*sent);
}

const BodyVerdict& BodyCheck::finish() {
  return verdict_;
}

}  // namespace ringpost::loadgen
