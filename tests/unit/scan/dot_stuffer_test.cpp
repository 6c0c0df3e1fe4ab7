#include "ringpost/scan/dot_stuffer.hpp"

#include <random>

#include <gtest/gtest.h>

#include "ringpost/scan/data_unstuffer.hpp"
#include "ringpost/scan/find.hpp"

namespace ringpost::scan {
namespace {

constexpr std::size_t kWhole = 1'000'000;

// Sends `text` in slices of `part` bytes with `pieces` pieces a step. The dots, when given, are used instead of a scan.
std::string send(std::string_view text, std::size_t part, std::size_t pieces,
                 const BodyFacts* facts = nullptr) {
  DotStuffer stuffer;
  std::vector<DotStuffer::Piece> out(pieces);
  std::string sent;
  for (std::size_t i = 0; i < text.size();) {
    const auto slice = as_bytes(text.substr(i, part));
    const auto step =
        facts == nullptr ? stuffer.scan(slice, out) : stuffer.known(slice, i, facts->known_dots(), out);
    EXPECT_GT(step.pieces, 0U);
    for (std::size_t piece = 0; piece < step.pieces; ++piece) sent += as_text(out[piece]);
    i += step.consumed;
  }
  return sent += as_text(stuffer.finish());
}

TEST(DotStuffer, doubles_the_dot_that_begins_a_line) {
  EXPECT_EQ(send("a\r\n.b\r\n..\r\nc.\r\n", kWhole, 10), "a\r\n..b\r\n...\r\nc.\r\n.\r\n");
  EXPECT_EQ(send(".\r\n", kWhole, 10), "..\r\n.\r\n");
}

TEST(DotStuffer, leaves_a_dot_after_a_bare_line_end) {
  EXPECT_EQ(send("a\n.\n\r.\r\n", kWhole, 10), "a\n.\n\r.\r\n.\r\n");
}

TEST(DotStuffer, ends_a_message_that_lacks_its_last_crlf) {
  EXPECT_EQ(send("abc", kWhole, 10), "abc\r\n.\r\n");
  EXPECT_EQ(send("abc\r", kWhole, 10), "abc\r\r\n.\r\n");
  EXPECT_EQ(send("abc\n", kWhole, 10), "abc\n\r\n.\r\n");
  EXPECT_EQ(send("", kWhole, 10), ".\r\n");
}

TEST(DotStuffer, sends_what_the_receiver_turns_back_for_every_split) {
  std::mt19937 random(5);
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (std::size_t size = random() % 600; text.size() < size;) {
      constexpr std::array<std::string_view, 6> kParts{"\r\n", "\r\n.", ".",
                                                       "\r",   "\n",    "some words of text"};
      text += kParts[random() % kParts.size()];
    }
    text += "\r\n";
    BodyFactsPass pass;
    std::string copy(text.size(), 0);
    pass.step(as_bytes(text), reinterpret_cast<std::byte*>(copy.data()));
    const BodyFacts& facts = pass.finish();

    const std::string expected = send(text, kWhole, 1000);
    DataUnstuffer unstuffer;
    std::vector<std::byte> back(expected.size());
    const Step step = unstuffer.step(as_bytes(expected), back);
    ASSERT_EQ(step.status, StepStatus::end_of_data);
    ASSERT_EQ(step.consumed, expected.size());
    ASSERT_EQ(as_text(std::span(back).first(step.produced)), text);

    for (const std::size_t part : {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{70}, kWhole})
      for (const std::size_t pieces : {std::size_t{1}, std::size_t{2}, std::size_t{5}}) {
        ASSERT_EQ(send(text, part, pieces), expected) << part << " " << pieces;
        if (!facts.dots_overflow) {
          ASSERT_EQ(send(text, part, pieces, &facts), expected) << part << " " << pieces;
        }
      }
  }
}

TEST(DotStuffer, uses_one_piece_for_text_without_dots) {
  DotStuffer stuffer;
  std::array<DotStuffer::Piece, 4> out;
  const auto step = stuffer.scan(as_bytes("Subject: x\r\n\r\nHello\r\n"), out);
  EXPECT_EQ(step.pieces, 1U);
  EXPECT_EQ(as_text(stuffer.finish()), ".\r\n");
}

}  // namespace
}  // namespace ringpost::scan
