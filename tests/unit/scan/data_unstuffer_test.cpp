#include "ringpost/scan/data_unstuffer.hpp"

#include <random>

#include <gtest/gtest.h>

#include "ringpost/scan/crc32c.hpp"
#include "ringpost/scan/find.hpp"

namespace ringpost::scan {
namespace {

struct Outcome {
  std::string output;
  std::size_t consumed = 0;
  bool ended = false;
  BodyFacts facts;
};

// Feeds `input` in parts of the sizes that `in_size` gives, into outputs of the sizes that `out_size` gives.
template <class InSize, class OutSize>
Outcome run(std::string_view input, LineEndPolicy policy, InSize in_size, OutSize out_size,
            bool scalar = false) {
  DataUnstuffer unstuffer(policy);
  Outcome outcome;
  std::size_t part_end = 0;
  while (!outcome.ended) {
    if (part_end == outcome.consumed) {
      if (part_end == input.size()) break;
      part_end = std::min(input.size(), part_end + in_size());
    }
    const auto in = as_bytes(input.substr(outcome.consumed, part_end - outcome.consumed));
    // Exactly sized, so that the address sanitizer sees a byte too far.
    std::vector<std::byte> out(std::max<std::size_t>(out_size(), kStepOutputMin));
    const Step step = scalar ? unstuffer.step_scalar(in, out) : unstuffer.step(in, out);
    outcome.output += as_text(std::span(out).first(step.produced));
    outcome.consumed += step.consumed;
    outcome.ended = step.status == StepStatus::end_of_data;
    if (step.status == StepStatus::need_input) {
      EXPECT_EQ(outcome.consumed, part_end);
    }
    if (step.status == StepStatus::output_full) {
      EXPECT_LT(out.size() - step.produced, kStepOutputMin);
    }
  }
  outcome.facts = unstuffer.facts();
  return outcome;
}

Outcome run_whole(std::string_view input, LineEndPolicy policy = LineEndPolicy::refuse, bool scalar = false) {
  return run(input, policy, [&] { return input.size(); }, [&] { return input.size() * 2 + 3; }, scalar);
}

void expect_same(const Outcome& a, const Outcome& b, std::string_view what) {
  ASSERT_EQ(a.output, b.output) << what;
  ASSERT_EQ(a.consumed, b.consumed) << what;
  ASSERT_EQ(a.ended, b.ended) << what;
  ASSERT_EQ(a.facts.size, b.facts.size) << what;
  ASSERT_EQ(a.facts.separator_offset, b.facts.separator_offset) << what;
  ASSERT_EQ(a.facts.longest_line, b.facts.longest_line) << what;
  ASSERT_EQ(a.facts.bare_cr, b.facts.bare_cr) << what;
  ASSERT_EQ(a.facts.bare_lf, b.facts.bare_lf) << what;
  ASSERT_EQ(a.facts.crc32c, b.facts.crc32c) << what;
  ASSERT_EQ(a.facts.eight_bit, b.facts.eight_bit) << what;
  ASSERT_EQ(a.facts.nul, b.facts.nul) << what;
  ASSERT_EQ(a.facts.ends_with_crlf, b.facts.ends_with_crlf) << what;
  ASSERT_EQ(a.facts.dots_overflow, b.facts.dots_overflow) << what;
  ASSERT_TRUE(std::ranges::equal(a.facts.known_dots(), b.facts.known_dots())) << what;
}

TEST(DataUnstuffer, passes_a_plain_message_and_leaves_the_next_command) {
  const std::string_view message = "Subject: hi\r\n\r\nHello\r\n";
  const Outcome outcome = run_whole(std::string(message) + ".\r\nQUIT\r\n");
  EXPECT_TRUE(outcome.ended);
  EXPECT_EQ(outcome.output, message);
  EXPECT_EQ(outcome.consumed, message.size() + 3);
  EXPECT_EQ(outcome.facts.size, message.size());
  EXPECT_EQ(outcome.facts.separator_offset, 13U);
  EXPECT_EQ(outcome.facts.longest_line, 11U);
  EXPECT_EQ(outcome.facts.crc32c, crc32c(as_bytes(message)));
  EXPECT_TRUE(outcome.facts.ends_with_crlf);
  EXPECT_FALSE(outcome.facts.eight_bit || outcome.facts.nul || outcome.facts.has_bare_line_ends());
}

TEST(DataUnstuffer, takes_a_lone_dot_as_an_empty_message) {
  const Outcome outcome = run_whole(".\r\n");
  EXPECT_TRUE(outcome.ended);
  EXPECT_EQ(outcome.output, "");
  EXPECT_EQ(outcome.facts.crc32c, 0U);
}

TEST(DataUnstuffer, removes_one_dot_at_the_start_of_a_line_only) {
  const Outcome outcome = run_whole("..a\r\n.b\r\n...\r\na.b\r\n.\r\n");
  EXPECT_EQ(outcome.output, ".a\r\nb\r\n..\r\na.b\r\n");
  EXPECT_THAT(outcome.facts.known_dots(), testing::ElementsAre(0U, 7U));
}

TEST(DataUnstuffer, sees_eight_bit_and_nul_bytes) {
  EXPECT_TRUE(run_whole("caf\xC3\xA9\r\n.\r\n").facts.eight_bit);
  EXPECT_FALSE(run_whole("cafe\r\n.\r\n").facts.eight_bit);
  EXPECT_TRUE(run_whole(std::string_view("a\0b\r\n.\r\n", 8)).facts.nul);
  // What follows the end belongs to somebody else.
  const Outcome outcome = run_whole(std::string_view("a\r\n.\r\n\xFF\0", 8));
  EXPECT_FALSE(outcome.facts.eight_bit || outcome.facts.nul);
}

TEST(DataUnstuffer, keeps_the_places_of_64_dots_and_flags_the_65th) {
  std::string message;
  for (std::size_t i = 0; i < kDotOffsetsMax; ++i) message += "..\r\n";
  Outcome outcome = run_whole(message + ".\r\n");
  EXPECT_EQ(outcome.facts.known_dots().size(), kDotOffsetsMax);
  EXPECT_EQ(outcome.facts.known_dots().back(), 3 * (kDotOffsetsMax - 1));
  EXPECT_FALSE(outcome.facts.dots_overflow);
  outcome = run_whole(message + "..\r\n.\r\n");
  EXPECT_EQ(outcome.facts.known_dots().size(), kDotOffsetsMax);
  EXPECT_TRUE(outcome.facts.dots_overflow);
}

TEST(DataUnstuffer, fills_an_output_of_the_exact_size) {
  const std::string message = std::string(100, 'x') + "\r\n";
  DataUnstuffer unstuffer;
  std::vector<std::byte> out(message.size());
  const std::string input = message + ".\r\n";
  const Step step = unstuffer.step(as_bytes(input), out);
  EXPECT_EQ(step.status, StepStatus::end_of_data);
  EXPECT_EQ(as_text(out), message);
}

TEST(DataUnstuffer, asks_for_room_and_goes_on) {
  DataUnstuffer unstuffer;
  std::vector<std::byte> out(4);
  const std::string input = "abcdef\r\n.\r\n";
  Step step = unstuffer.step(as_bytes(input), out);
  EXPECT_EQ(step.status, StepStatus::output_full);
  EXPECT_EQ(step.consumed, 4U);
  step = unstuffer.step(as_bytes(input).subspan(4), out);
  EXPECT_EQ(step.status, StepStatus::end_of_data);
  EXPECT_EQ(as_text(std::span(out).first(step.produced)), "ef\r\n");
}

TEST(DataUnstuffer, counts_bare_line_ends_and_keeps_them_to_be_refused) {
  const Outcome outcome = run_whole("a\nb\rc\r\r\nd\n\n\r\n.\r\n");
  EXPECT_TRUE(outcome.ended);
  EXPECT_EQ(outcome.output, "a\nb\rc\r\r\nd\n\n\r\n");
  EXPECT_EQ(outcome.facts.bare_lf, 3U);
  EXPECT_EQ(outcome.facts.bare_cr, 2U);
}

TEST(DataUnstuffer, makes_bare_line_ends_whole) {
  const Outcome outcome = run_whole("a\nb\rc\r\r\nd\n\n\r\n.\r\n", LineEndPolicy::normalize);
  EXPECT_TRUE(outcome.ended);
  EXPECT_EQ(outcome.output, "a\r\nb\r\nc\r\n\r\nd\r\n\r\n\r\n");
  EXPECT_EQ(outcome.facts.bare_lf, 3U);
  EXPECT_EQ(outcome.facts.bare_cr, 2U);
  EXPECT_EQ(outcome.facts.separator_offset, 9U);
}

// A dot after a line end that the sender did not make as CRLF is text, for unstuffing; but the line that we
// make of it begins with a dot, and must be stuffed when it is sent.
TEST(DataUnstuffer, keeps_a_dot_after_a_mended_line_end_and_knows_its_place) {
  const Outcome outcome = run_whole("a\n.\r\nQUIT\r.b\r\n.\r\n", LineEndPolicy::normalize);
  EXPECT_TRUE(outcome.ended);
  EXPECT_EQ(outcome.output, "a\r\n.\r\nQUIT\r\n.b\r\n");
  EXPECT_THAT(outcome.facts.known_dots(), testing::ElementsAre(3U, 12U));
}

// Every string of up to six of these after a line: the data end where CRLF.CRLF first is, and nowhere else.
// That is the whole family of smuggled ends (LF.LF, LF.CRLF, CR.CR, CRLF.CR, CRLF NUL . CRLF ...).
TEST(DataUnstuffer, ends_at_crlf_dot_crlf_and_at_no_other_ending) {
  constexpr std::string_view kBytes("\r\n.\0x", 5);
  std::size_t ended = 0;
  for (const LineEndPolicy policy : {LineEndPolicy::refuse, LineEndPolicy::normalize})
    for (const std::string_view before : {"text\r\n", "text", ""})
      for (std::size_t length = 0; length <= 6; ++length) {
        std::size_t count = 1;
        for (std::size_t i = 0; i < length; ++i) count *= kBytes.size();
        for (std::size_t number = 0; number < count; ++number) {
          std::string input(before);
          for (std::size_t i = 0, rest = number; i < length; ++i, rest /= kBytes.size())
            input += kBytes[rest % kBytes.size()];
          // DATA's own CRLF stands before the first byte.
          const std::size_t end = ("\r\n" + input).find("\r\n.\r\n");
          const Outcome outcome = run_whole(input, policy);
          ASSERT_EQ(outcome.ended, end != std::string::npos) << testing::PrintToString(input);
          if (outcome.ended) {
            ASSERT_EQ(outcome.consumed, end + 3) << testing::PrintToString(input);
          }
          ended += outcome.ended ? 1 : 0;
        }
      }
  EXPECT_GT(ended, 100U);
}

std::string random_mail(std::mt19937& random, std::size_t size, bool odd) {
  std::string text;
  while (text.size() < size) {
    const auto dice = random() % 100;
    if (dice < 20)
      text += "\r\n";
    else if (dice < 25)
      text += "\r\n.";
    else if (odd && dice < 28)
      text += "\r";
    else if (odd && dice < 31)
      text += "\n";
    else if (odd && dice < 32)
      text += '\0';
    else if (odd && dice < 33)
      text += "\r\n.\r";
    else if (dice < 36)
      text += "\xC3\xA9";
    else if (dice < 40)
      text += ".";
    else
      text.append(random() % 90, 'x');
  }
  return text + "\r\n.\r\nnext";
}

TEST(DataUnstuffer, gives_the_same_for_every_split_and_without_vectors) {
  std::mt19937 random(11);
  for (int round = 0; round < 300; ++round) {
    const std::string input = random_mail(random, random() % 1500, round % 2 == 1);
    for (const LineEndPolicy policy : {LineEndPolicy::refuse, LineEndPolicy::normalize}) {
      const Outcome whole = run_whole(input, policy, true);
      ASSERT_TRUE(whole.ended);
      expect_same(whole, run_whole(input, policy), "vectors");
      const auto one = [] { return std::size_t{1}; };
      const auto much = [&] { return input.size() * 2; };
      const auto some = [&] { return std::size_t{1} + random() % 200; };
      expect_same(whole, run(input, policy, one, much), "byte by byte");
      expect_same(whole, run(input, policy, much, one), "little room");
      expect_same(whole, run(input, policy, some, much), "random input");
      expect_same(whole, run(input, policy, some, some), "random input and room");
    }
  }
}

TEST(DataUnstuffer, goes_through_several_fused_blocks) {
  std::mt19937 random(12);
  const std::string input = random_mail(random, 5 * kFusedBlockSize, true);
  for (const LineEndPolicy policy : {LineEndPolicy::refuse, LineEndPolicy::normalize})
    expect_same(run_whole(input, policy, true), run_whole(input, policy), "blocks");
}

TEST(DataUnstuffer, starts_anew_after_a_reset) {
  DataUnstuffer unstuffer;
  std::vector<std::byte> out(100);
  unstuffer.step(as_bytes("\xFF\n..\0\r"), out);
  unstuffer.reset(LineEndPolicy::refuse);
  const Step step = unstuffer.step(as_bytes("a\r\n.\r\n"), out);
  EXPECT_EQ(step.status, StepStatus::end_of_data);
  EXPECT_EQ(unstuffer.facts().size, 3U);
  EXPECT_FALSE(unstuffer.facts().eight_bit || unstuffer.facts().has_bare_line_ends());
  EXPECT_EQ(unstuffer.facts().dot_count, 0);
}

BodyFacts facts_of(std::string_view text, std::size_t part, bool scalar) {
  BodyFactsPass pass;
  std::string copy(text.size(), '?');
  auto* out = reinterpret_cast<std::byte*>(copy.data());
  for (std::size_t i = 0; i < text.size(); i += part) {
    const auto chunk = as_bytes(text.substr(i, part));
    if (scalar)
      pass.step_scalar(chunk, out + i);
    else
      pass.step(chunk, out + i);
  }
  EXPECT_EQ(copy, text);
  return pass.finish();
}

TEST(BodyFactsPass, copies_chunks_and_changes_nothing) {
  const BodyFacts facts = facts_of("A: b\r\n\r\n..x\r\n.\r\ny\rz\n\r", 100, false);
  EXPECT_EQ(facts.separator_offset, 6U);
  EXPECT_THAT(facts.known_dots(), testing::ElementsAre(8U, 13U));
  EXPECT_EQ(facts.bare_cr, 2U);
  EXPECT_EQ(facts.bare_lf, 1U);
  EXPECT_FALSE(facts.ends_with_crlf);
}

TEST(BodyFactsPass, agrees_with_its_scalar_twin_for_every_split) {
  std::mt19937 random(13);
  for (int round = 0; round < 300; ++round) {
    const std::string text = random_mail(random, random() % 1500, true);
    const Outcome expected{.facts = facts_of(text, text.size(), true)};
    for (const std::size_t part :
         {std::size_t{1}, std::size_t{7}, std::size_t{64}, std::size_t{129}, text.size()})
      expect_same(expected, Outcome{.facts = facts_of(text, part, false)}, "chunks");
  }
}

TEST(BodyFactsPass, works_in_place) {
  std::string text = "Subject: x\r\n\r\n" + std::string(300, 'y') + "\r\n";
  const std::uint32_t crc = crc32c(as_bytes(text));
  BodyFactsPass pass;
  pass.step(as_bytes(text), reinterpret_cast<std::byte*>(text.data()));
  EXPECT_EQ(pass.finish().crc32c, crc);
  EXPECT_EQ(pass.facts().longest_line, 300U);
}

}  // namespace
}  // namespace ringpost::scan
