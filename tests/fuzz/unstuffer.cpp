// The one pass over a body: vectors against their scalar twin, in other pieces; and what was stuffed comes out as it was.
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "ringpost/scan/crc32c.hpp"
#include "ringpost/scan/data_unstuffer.hpp"
#include "ringpost/scan/dot_stuffer.hpp"
#include "ringpost/scan/find.hpp"

#include "fuzz_input.hpp"

using namespace ringpost;

namespace {

struct Result {
  std::string body;
  std::size_t consumed = 0;
  bool ended = false;
  scan::BodyFacts facts;
};

void check_same_facts(const scan::BodyFacts& a, const scan::BodyFacts& b) {
  RP_ASSERT(a.size == b.size && a.separator_offset == b.separator_offset && a.longest_line == b.longest_line);
  RP_ASSERT(a.bare_cr == b.bare_cr && a.bare_lf == b.bare_lf && a.crc32c == b.crc32c);
  RP_ASSERT(a.eight_bit == b.eight_bit && a.nul == b.nul && a.ends_with_crlf == b.ends_with_crlf);
  RP_ASSERT(a.dots_overflow == b.dots_overflow && std::ranges::equal(a.known_dots(), b.known_dots()));
}

template <class NextSize>
Result run(std::string_view text, scan::LineEndPolicy policy, bool vectors, NextSize next_size) {
  scan::DataUnstuffer unstuffer(policy);
  Result result;
  std::string_view rest = text;
  while (!rest.empty() && !result.ended) {
    const fuzz::Exact piece(rest.substr(0, next_size()));
    std::span<const std::byte> in = piece.bytes();
    while (!in.empty() && !result.ended) {
      std::vector<std::byte> out(2 + next_size());
      const scan::Step step = vectors ? unstuffer.step(in, out) : unstuffer.step_scalar(in, out);
      RP_ASSERT(step.consumed <= in.size() && step.produced <= out.size());
      RP_ASSERT(step.consumed + step.produced > 0);
      RP_ASSERT(step.status != scan::StepStatus::need_input || step.consumed == in.size());
      result.body += scan::as_text(std::span<const std::byte>(out).first(step.produced));
      result.consumed += step.consumed;
      result.ended = step.status == scan::StepStatus::end_of_data;
      in = in.subspan(step.consumed);
      rest.remove_prefix(step.consumed);
    }
  }
  RP_ASSERT(result.ended == unstuffer.at_end());
  result.facts = unstuffer.facts();
  return result;
}

void check_against_twin(std::string_view text, scan::LineEndPolicy policy, std::uint8_t seed) {
  const Result scalar = run(text, policy, false, [] { return std::size_t{1} << 16U; });
  fuzz::Sizes sizes(seed);
  for (const std::size_t longest : {std::size_t{1} << 16U, std::size_t{5}, std::size_t{200}}) {
    const Result vectors = run(text, policy, true, [&] { return longest > 1000 ? longest : sizes(longest); });
    RP_ASSERT(vectors.body == scalar.body && vectors.consumed == scalar.consumed &&
              vectors.ended == scalar.ended);
    check_same_facts(vectors.facts, scalar.facts);
  }
  RP_ASSERT(scalar.facts.size == scalar.body.size());
  RP_ASSERT(scalar.facts.crc32c == scan::crc32c_scalar(scan::as_bytes(scalar.body)));
}

// A body with any line ends goes through stuffing and back; a missing CRLF at its end is added.
void check_round_trip(std::string_view body, std::uint8_t seed) {
  scan::DotStuffer stuffer;
  fuzz::Sizes sizes(seed);
  std::string wire;
  std::string_view rest = body;
  while (!rest.empty()) {
    std::array<scan::DotStuffer::Piece, 4> pieces;
    const auto step =
        stuffer.scan(scan::as_bytes(rest.substr(0, sizes(50))), std::span(pieces).first(sizes(4)));
    RP_ASSERT(step.consumed > 0 || step.pieces > 0);
    for (std::size_t i = 0; i < step.pieces; ++i) wire += scan::as_text(pieces[i]);
    rest.remove_prefix(step.consumed);
  }
  wire += scan::as_text(stuffer.finish());
  const Result back = run(wire, scan::LineEndPolicy::refuse, true, [] { return std::size_t{4096}; });
  RP_ASSERT(back.ended && back.consumed == wire.size());
  std::string expected(body);
  if (!body.empty() && !body.ends_with("\r\n")) expected += "\r\n";
  RP_ASSERT(back.body == expected);
}

void check_chunks(std::string_view text, std::uint8_t seed) {
  scan::BodyFactsPass fast;
  scan::BodyFactsPass slow;
  fuzz::Sizes sizes(seed);
  std::string copied;
  for (std::string_view rest = text; !rest.empty();) {
    const fuzz::Exact piece(rest.substr(0, sizes(300)));
    std::vector<std::byte> out(piece.bytes().size());
    fast.step(piece.bytes(), out.data());
    copied += scan::as_text(out);
    slow.step_scalar(piece.bytes(), out.data());
    rest.remove_prefix(piece.text().size());
  }
  RP_ASSERT(copied == text);
  check_same_facts(fast.finish(), slow.finish());
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  fuzz::Input input(bytes, size);
  const std::uint8_t seed = input.byte();
  check_against_twin(input.rest(), scan::LineEndPolicy::refuse, seed);
  check_against_twin(input.rest(), scan::LineEndPolicy::normalize, seed);
  check_round_trip(input.rest(), seed);
  check_chunks(input.rest(), seed);
  return 0;
}
