// What a verdict writes into a mail.
#include "ringpost/filter/marks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ringpost/filter/limits.hpp"

namespace ringpost::filter {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::string_view kHeaders =
    "add_header all Status \"_YESNO_, score=_SCORE_ required=_REQD_ tests=_TESTS_ version=_VERSION_\"\n"
    "add_header spam Flag _YESNOCAPS_\n"
    "add_header all Level _STARS(*)_\n";
constexpr std::string_view kRules =
    "body PILLS /cheap pills/\n"
    "describe PILLS Sells pills\n"
    "score PILLS 4\n"
    "header FROM_BOB From =~ /bob/\n"
    "score FROM_BOB 1.5\n";
constexpr std::string_view kSpam =
    "From: bob@example.com\r\n"
    "Subject: hello\r\n"
    "\r\n"
    "cheap pills\r\n";
constexpr std::string_view kHam =
    "From: anna@example.com\r\n"
    "Subject: hello\r\n"
    "\r\n"
    "nothing to sell\r\n";

std::shared_ptr<const RuleSet> load(std::string text) {
  const RuleFile file{"local.cf", std::move(text)};
  return load_rules({&file, 1}, {});
}

Verdict judge(const std::shared_ptr<const RuleSet>& rules, std::string_view mail) {
  const auto engine = Engine::interim(rules, {});
  patterns::Scratch scratch;
  const Facts facts;
  const MessageView view(mail, engine->view_settings(), facts, scratch);
  Scan scan(engine, view, facts, scratch);
  while (scan.advance()) {
  }
  return scan.verdict();
}

Marks marks_of(std::string_view settings, std::string_view mail) {
  const auto rules = load(std::string(settings) + std::string(kRules));
  return make_marks(*rules, judge(rules, mail), mail, {.hostname = "mx.example"});
}

std::string without(std::string_view mail, const Marks& marks) {
  std::string rest(mail);
  for (auto cut = marks.cuts.rbegin(); cut != marks.cuts.rend(); ++cut) rest.erase(cut->offset, cut->size);
  return rest;
}

TEST(Marks, are_the_fields_that_the_rule_files_add) {
  EXPECT_EQ(marks_of(std::string(kHeaders) + "report_safe 0\n", kSpam).fields,
            "X-Spam-Status: Yes, score=5.5 required=5.0 tests=FROM_BOB,PILLS version=4.0.1\r\n"
            "X-Spam-Flag: YES\r\n"
            "X-Spam-Level: *****\r\n"
            "X-Spam-Report: \r\n"
            "\t*  1.5 FROM_BOB No description available.\r\n"
            "\t*  4.0 PILLS BODY: Sells pills\r\n");
  EXPECT_EQ(marks_of(kHeaders, kHam).fields,
            "X-Spam-Status: No, score=0.0 required=5.0 tests=none version=4.0.1\r\n"
            "X-Spam-Level: \r\n");
}

TEST(Marks, put_spam_into_a_report_and_leave_it_as_it_was) {
  const std::string settings =
      "report_safe 1\nrewrite_header Subject [SPAM]\nclear_report_template\nreport Found by _HOSTNAME_:\n"
      "report _SUMMARY_\nreport_safe_copy_headers X-Keep\nadd_header spam Flag _YESNOCAPS_\n";
  const std::string mail = "X-Keep: a\r\nX-Spam-Flag: NO\r\n" + std::string(kSpam);
  const Marks marks = marks_of(settings, mail);
  ASSERT_TRUE(marks.wraps());
  EXPECT_THAT(marks.cuts, IsEmpty());
  EXPECT_EQ(marks.fields.substr(0, *marks.separator),
            "X-Spam-Flag: YES\r\n"
            "From: bob@example.com\r\n"
            "Subject: [SPAM] hello\r\n"
            "X-Keep: a\r\n"
            "MIME-Version: 1.0\r\n"
            "Content-Type: multipart/mixed; boundary=\"----------=_0000000000000000.report\"\r\n");
  EXPECT_EQ(marks.fields.substr(*marks.separator, 4).substr(0, 2), "\r\n");
  EXPECT_THAT(marks.fields, HasSubstr("\r\n\r\nFound by mx.example:\r\n"));
  EXPECT_THAT(marks.fields, HasSubstr(" 4.0 PILLS                  BODY: Sells pills\r\n"));
  EXPECT_THAT(marks.fields, HasSubstr("Content-Type: message/rfc822; x-spam-type=original\r\n"));
  EXPECT_EQ(marks.tail, "\r\n------------=_0000000000000000.report--\r\n");
  EXPECT_THAT(marks_of("report_safe 2\n", kSpam).fields,
              HasSubstr("Content-Type: text/plain; x-spam-type=original\r\n"));
  EXPECT_FALSE(marks_of("report_safe 1\n", kHam).wraps());
}

TEST(Marks, cut_out_what_the_mail_says_of_itself) {
  const std::string mail =
      "X-Spam-Flag: NO\r\nx-spam-status: No,\r\n\tscore=-100\r\nX-Spam-Prev-Subject: a\r\nX-Spammer: b\r\n" +
      std::string(kHam);
  EXPECT_EQ(without(mail, marks_of(kHeaders, mail)),
            "X-Spam-Prev-Subject: a\r\nX-Spammer: b\r\n" + std::string(kHam));
}

TEST(Marks, rewrite_the_subject_of_spam_and_keep_the_old_one) {
  constexpr std::string_view kSettings =
      "rewrite_header Subject [SPAM _SCORE(0)_]\nreport_safe 0\nremove_header spam Report\n";
  const Marks spam = marks_of(kSettings, kSpam);
  EXPECT_EQ(spam.fields, "X-Spam-Prev-Subject: hello\r\nSubject: [SPAM 05.5] hello\r\n");
  EXPECT_EQ(without(kSpam, spam), "From: bob@example.com\r\n\r\ncheap pills\r\n");
  const Marks ham = marks_of(kSettings, kHam);
  EXPECT_EQ(ham.fields, "");
  EXPECT_THAT(ham.cuts, IsEmpty());
}

TEST(Marks, make_a_subject_where_there_is_none) {
  const Marks marks = marks_of("report_safe 0\nrewrite_header Subject SPAM\n",
                               "From: bob@example.com\r\n\r\ncheap pills\r\n");
  EXPECT_THAT(marks.fields, HasSubstr("X-Spam-Prev-Subject: (nonexistent)\r\nSubject: SPAM\r\n"));
}

TEST(Marks, put_a_comment_into_the_sender) {
  EXPECT_THAT(marks_of("report_safe 0\nrewrite_header From SPAM\n", kSpam).fields,
              HasSubstr("\r\nFrom: (SPAM) bob@example.com\r\n"));
  EXPECT_THAT(marks_of("report_safe 0\nrewrite_header From SPAM\nrewrite_header From\n", kSpam).fields,
              Not(HasSubstr("\r\nFrom: ")));
}

TEST(Marks, fold_what_is_long_and_encode_what_is_not_ascii) {
  const Marks marks = marks_of(
      "add_header all Long "
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,bbbbbbbbbbbbbbbbbbbbbbbbbbbbb,cccccccccccccccccccccccccccccccc\n"
      "add_header all Word gr\xc3\xbc\xc3\x9f\n",
      kHam);
  EXPECT_EQ(marks.fields,
            "X-Spam-Long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,bbbbbbbbbbbbbbbbbbbbbbbbbbbbb,\r\n"
            "\tcccccccccccccccccccccccccccccccc\r\n"
            "X-Spam-Word: =?UTF-8?Q?gr=C3=BC=C3=9F?=\r\n");
}

TEST(Marks, never_show_the_score_of_spam_for_a_mail_that_is_none) {
  EXPECT_EQ(score_text({.score = 4.96, .required = 5}), "4.9");
  EXPECT_EQ(score_text({.score = 4.94, .required = 5}), "4.9");
  EXPECT_EQ(score_text({.score = 5, .required = 5}), "5.0");
}

TEST(Marks, leave_a_tag_that_nobody_knows_and_name_it_at_load) {
  const auto rules = load("add_header all Odd _PYZOR_ and _NOT\n");
  ASSERT_EQ(rules->problems().size(), 1U);
  EXPECT_THAT(rules->problems()[0].text, HasSubstr("_PYZOR_"));
  EXPECT_EQ(marks_of("add_header all Odd _PYZOR_ and _NOT\n", kHam).fields,
            "X-Spam-Odd: _PYZOR_ and _NOT\r\n");
  EXPECT_THAT(unknown_tags("_YESNO(a,b)_ _FOO(x)_ __ _ _BAR"), ElementsAre("FOO"));
}

TEST(Marks, end_where_the_limit_is) {
  const auto rules = load(std::string(kRules));
  const Verdict verdict = judge(rules, kSpam);
  EXPECT_EQ(expand_tags(std::string(kMarkTextMax, 'x'), *rules, verdict, {}).size(), kMarkTextMax);
  EXPECT_EQ(expand_tags(std::string(kMarkTextMax + 1, 'x'), *rules, verdict, {}).size(), kMarkTextMax);
}

}  // namespace
}  // namespace ringpost::filter
