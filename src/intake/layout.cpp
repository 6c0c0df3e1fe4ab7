#include "layout.hpp"

#include <algorithm>

namespace ringpost::intake {

namespace {

std::size_t longest_line(std::string_view text) {
  std::size_t longest = 0;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find("\r\n"), text.size());
    longest = std::max(longest, end);
    text.remove_prefix(std::min(end + 2, text.size()));
  }
  return longest;
}

bool has_eight_bit(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) > 127; });
}

std::uint64_t cut_bytes(std::span<const filter::Marks::Cut> cuts) {
  std::uint64_t sum = 0;
  for (const auto& cut : cuts) sum += cut.size;
  return sum;
}

// Where an offset of the body stands once the cuts are gone; kNoSeparator when it was cut itself.
std::uint64_t moved(std::uint64_t offset, std::span<const filter::Marks::Cut> cuts) {
  std::uint64_t before = 0;
  for (const auto& cut : cuts) {
    if (offset < cut.offset) break;
    if (offset < cut.offset + cut.size) return scan::BodyFacts::kNoSeparator;
    before += cut.size;
  }
  return offset - before;
}

void add_dot(std::uint64_t offset, scan::BodyFacts& facts) {
  if (offset > UINT32_MAX || facts.dot_count == facts.dots.size())
    facts.dots_overflow = true;
  else
    facts.dots[facts.dot_count++] = static_cast<std::uint32_t>(offset);
}

}  // namespace

void append_without(std::span<const std::byte> body, std::span<const filter::Marks::Cut> cuts,
                    std::vector<std::span<const std::byte>>& out) {
  std::size_t at = 0;
  for (const auto& cut : cuts) {
    if (cut.offset > at) out.push_back(body.subspan(at, cut.offset - at));
    at = cut.offset + cut.size;
  }
  if (at < body.size()) out.push_back(body.subspan(at));
}

scan::BodyFacts stored_facts(const scan::BodyFacts& body, std::uint64_t before, const filter::Marks& marks) {
  const std::uint64_t front = before + marks.fields.size();
  scan::BodyFacts whole = body;
  whole.size = front + body.size - cut_bytes(marks.cuts) + marks.tail.size();
  if (marks.wraps())
    whole.separator_offset = before + *marks.separator;
  else if (body.separator_offset != scan::BodyFacts::kNoSeparator)
    whole.separator_offset = front + moved(body.separator_offset, marks.cuts);
  whole.dot_count = 0;
  // The text of a report may have such lines too; of its tail and of the fields before it none does.
  for (std::size_t at = marks.fields.find("\r\n."); at != std::string::npos;
       at = marks.fields.find("\r\n.", at + 2))
    add_dot(before + at + 2, whole);
  for (const std::uint32_t dot : body.known_dots())
    if (const std::uint64_t place = moved(dot, marks.cuts); place != scan::BodyFacts::kNoSeparator)
      add_dot(place + front, whole);
  if (!marks.fields.empty()) {
    whole.longest_line = std::max<std::uint64_t>(whole.longest_line, longest_line(marks.fields));
    whole.eight_bit = whole.eight_bit || has_eight_bit(marks.fields);
  }
  if (!marks.tail.empty()) whole.ends_with_crlf = true;
  whole.crc32c = 0;  // of other bytes than those stored; each record of the log carries its own checksum
  return whole;
}

}  // namespace ringpost::intake
