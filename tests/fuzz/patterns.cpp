// Expressions: what Hyperscan says of one agrees with PCRE2, exactly or as a prefilter that misses nothing.
//
// Input: a byte of flags, a line with three expressions between blanks of 0x01, and subjects, a line each.
#include <algorithm>
#include <string>
#include <vector>

#include "ringpost/patterns/set.hpp"

#include "fuzz_input.hpp"

using namespace ringpost;
using patterns::Match;

namespace {

std::vector<std::string_view> split(std::string_view text, char at, std::size_t max) {
  std::vector<std::string_view> parts;
  while (parts.size() + 1 < max) {
    const std::size_t found = text.find(at);
    if (found == std::string_view::npos) break;
    parts.push_back(text.substr(0, found));
    text.remove_prefix(found + 1);
  }
  parts.push_back(text);
  return parts;
}

// Hyperscan names every subject in which PCRE2 finds a match, and what it calls certain is one.
void check(const patterns::Set& set, const std::vector<std::string>& subjects, bool lines,
           patterns::Scratch& scratch) {
  if (!set.in_hyperscan()) return;
  std::vector<std::vector<bool>> named(set.size(), std::vector<bool>(subjects.size(), false));
  std::vector<bool> certain(set.size(), false);
  const auto visit = [&](const patterns::Set::Candidate& one) {
    const bool all = one.certain || one.subject == patterns::Set::kEverySubject;
    RP_ASSERT(all || one.subject < subjects.size());
    for (std::size_t i = 0; i < subjects.size(); ++i)
      if (all || i == one.subject) named[one.index][i] = true;
    certain[one.index] = certain[one.index] || one.certain;
  };
  if (lines)
    set.candidates(subjects, scratch, visit);
  else
    set.candidates(subjects[0], scratch, visit);
  for (std::size_t index = 0; index < set.size(); ++index) {
    bool hit = false, gave_up = false;
    for (std::size_t i = 0; i < subjects.size(); ++i) {
      const Match match = set.search(index, subjects[i], scratch);
      RP_ASSERT(match != Match::yes || named[index][i]);
      hit = hit || match == Match::yes;
      gave_up = gave_up || match == Match::gave_up;
    }
    RP_ASSERT(!certain[index] || hit || gave_up);
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size < 2 || size > 2048) return 0;
  const fuzz::Exact exact(fuzz::Input(bytes, size).rest());
  const auto flags = static_cast<unsigned char>(exact.text()[0]);
  const auto parts = split(exact.text().substr(1), '\n', 2);
  if (parts.size() < 2) return 0;
  std::vector<patterns::Pattern> list;
  for (const std::string_view expression : split(parts[0], '\x01', 3))
    list.push_back(
        {std::string(expression), {(flags & 1) != 0, (flags & 2) != 0, (flags & 4) != 0, (flags & 8) != 0}});
  while (list.size() < 3) list.push_back({"plain", {}});
  patterns::Scratch scratch;
  check(*patterns::Set::compiled(list, patterns::Subjects::whole), {std::string(parts[1])}, false, scratch);

  std::vector<std::string> lines;
  for (const std::string_view line : split(parts[1], '\n', 20)) {
    lines.emplace_back(line);
    std::erase(lines.back(), '\n');
    lines.back() += '\n';
  }
  check(*patterns::Set::compiled(list, patterns::Subjects::lines), lines, true, scratch);
  return 0;
}
