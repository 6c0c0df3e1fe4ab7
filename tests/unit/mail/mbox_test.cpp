#include "ringpost/mail/mbox.hpp"

#include <gtest/gtest.h>

namespace ringpost::mail {
namespace {

constexpr WallTime kArrival{880127706'000'000'000};

std::string to_lf(std::string_view text, std::size_t part) {
  LfWriter writer;
  std::string out;
  for (std::size_t i = 0; i < text.size(); i += part) writer.write(text.substr(i, part), out);
  writer.finish(out);
  return out;
}

std::string to_mbox(std::string_view text, std::size_t part) {
  MboxWriter writer;
  std::string out;
  writer.begin("a@b.example", kArrival, out);
  EXPECT_EQ(out, "From a@b.example Fri Nov 21 15:55:06 1997\n");
  out.clear();
  for (std::size_t i = 0; i < text.size(); i += part) writer.write(text.substr(i, part), out);
  writer.finish(out);
  return out;
}

TEST(LfWriter, drops_the_cr_of_crlf_only_for_every_split) {
  for (std::size_t part = 1; part < 14; ++part)
    EXPECT_EQ(to_lf("a\r\nb\rc\r\r\n\nd\r", part), "a\nb\rc\r\n\nd\r") << part;
}

TEST(MboxWriter, quotes_from_lines_reversibly_for_every_split) {
  const std::string_view message =
      "Subject: x\r\n\r\nFrom here\r\n>From there\r\n>>From\r\nFromage\r\n>quoted\r\nnot From \r\n From \r\n";
  for (std::size_t part = 1; part < message.size() + 1; ++part)
    EXPECT_EQ(to_mbox(message, part),
              "Subject: x\n\n>From here\n>>From there\n>>From\nFromage\n>quoted\nnot From \n From \n\n")
        << part;
}

TEST(MboxWriter, ends_a_message_that_lacks_its_line_end) {
  EXPECT_EQ(to_mbox("abc", 10), "abc\n\n");
  EXPECT_EQ(to_mbox(">>Fro", 1), ">>Fro\n\n");
  EXPECT_EQ(to_mbox("abc\r", 10), "abc\r\n\n");
  EXPECT_EQ(to_mbox("\r\n", 1), "\n\n");
}

TEST(MboxWriter, names_the_null_sender_and_no_blank) {
  MboxWriter writer;
  std::string out;
  writer.begin("", kArrival, out);
  writer.begin("\"a b\"@c.example", kArrival, out);
  EXPECT_EQ(out,
            "From MAILER-DAEMON Fri Nov 21 15:55:06 1997\nFrom \"a-b\"@c.example Fri Nov 21 15:55:06 1997\n");
}

}  // namespace
}  // namespace ringpost::mail
