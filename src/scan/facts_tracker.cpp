#include <algorithm>
#include <limits>

#include "ringpost/scan/data_unstuffer.hpp"

namespace ringpost::scan {

void FactsTracker::reset() {
  facts.size = 0;
  facts.separator_offset = BodyFacts::kNoSeparator;
  facts.longest_line = 0;
  facts.bare_cr = facts.bare_lf = 0;
  facts.crc32c = 0;
  facts.eight_bit = facts.nul = facts.dots_overflow = false;
  facts.ends_with_crlf = true;
  facts.dot_count = 0;
  line_begin = 0;
  after_cr = false;
}

void FactsTracker::note_dot(std::uint64_t offset) {
  if (facts.dot_count == kDotOffsetsMax || offset > std::numeric_limits<std::uint32_t>::max()) {
    facts.dots_overflow = true;
    return;
  }
  facts.dots[facts.dot_count++] = static_cast<std::uint32_t>(offset);
}

void FactsTracker::note_line_end(std::uint64_t cr_offset) {
  const std::uint64_t length = cr_offset - line_begin;
  facts.longest_line = std::max(facts.longest_line, length);
  if (length == 0 && facts.separator_offset == BodyFacts::kNoSeparator) facts.separator_offset = line_begin;
  line_begin = cr_offset + 2;
}

void FactsTracker::byte(std::uint8_t value) {
  const std::uint64_t offset = facts.size++;
  const bool ends_line = after_cr && value == '\n';
  if (value == '.' && offset == line_begin) note_dot(offset);
  if (after_cr && !ends_line) ++facts.bare_cr;
  if (value == '\n' && !after_cr) ++facts.bare_lf;
  facts.eight_bit |= value > 127;
  facts.nul |= value == 0;
  after_cr = value == '\r';
  if (ends_line) note_line_end(offset - 1);
  facts.ends_with_crlf = ends_line;
}

void FactsTracker::finish() {
  facts.longest_line = std::max(facts.longest_line, facts.size - line_begin);
  if (after_cr) ++facts.bare_cr;
  after_cr = false;
}

}  // namespace ringpost::scan
