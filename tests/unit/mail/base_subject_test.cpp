#include "ringpost/mail/base_subject.hpp"

#include <gtest/gtest.h>

namespace ringpost::mail {
namespace {

std::string base(std::string_view subject) {
  const BaseSubject found = base_subject(subject);
  return (found.reply_or_forward ? "+" : "") + found.text;
}

TEST(BaseSubject, removes_what_marks_a_reply) {
  EXPECT_EQ(base("Hello"), "Hello");
  EXPECT_EQ(base("Re: Hello"), "+Hello");
  EXPECT_EQ(base("re : [list] fwd[2]:  Hello (fwd) (FWD)"), "+Hello");
  EXPECT_EQ(base("FW: a"), "+a");
  EXPECT_EQ(base("[list] Re: a"), "+a");
  EXPECT_EQ(base("[fwd: Re: a]"), "+a");
  EXPECT_EQ(base("Real: a"), "Real: a");
  EXPECT_EQ(base("Re a"), "Re a");
}

TEST(BaseSubject, removes_blobs_but_not_the_last_word) {
  EXPECT_EQ(base("[a] [b] c"), "c");
  EXPECT_EQ(base("[a]"), "[a]");
  EXPECT_EQ(base("[a][b]"), "[b]");
  EXPECT_EQ(base("[a"), "[a");
  EXPECT_EQ(base("Re: [a]"), "+[a]");
  EXPECT_EQ(base("Re:"), "+");
}

TEST(BaseSubject, decodes_and_unfolds) {
  EXPECT_EQ(base("Re: =?iso-8859-1?Q?gr=FC=DFe?=\r\n\tan  alle"), "+gr\u00fc\u00dfe an alle");
}

TEST(BaseSubject, takes_long_rows_of_blobs_in_one_pass) {
  std::string subject;
  for (int i = 0; i < 20'000; ++i) subject += "[a]";
  EXPECT_EQ(base(subject + "x"), "x");
}

TEST(CasemapKey, compares_without_case_and_accents_taken_apart) {
  EXPECT_EQ(casemap_key("aBc1"), "ABC1");
  EXPECT_EQ(casemap_key("\u00e4"), casemap_key("\u00c4"));
  EXPECT_EQ(casemap_key("\u00e4"), "A\u0308");
  EXPECT_EQ(casemap_key("a\u0308"), casemap_key("\u00c4"));
  EXPECT_EQ(casemap_key("\u0436"), casemap_key("\u0416"));
}

}  // namespace
}  // namespace ringpost::mail
