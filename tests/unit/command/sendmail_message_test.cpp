#include "command/sendmail_message.hpp"

namespace ringpost::command {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Letter letter_of(const SendmailArguments& arguments, std::string_view input) {
  const auto letter = make_letter(arguments, input, "anna@example.com");
  EXPECT_TRUE(letter) << letter.error();
  return letter.value_or(Letter{});
}
std::string refusal_of(const SendmailArguments& arguments, std::string_view input) {
  const auto letter = make_letter(arguments, input, "anna@example.com");
  return letter ? "" : letter.error();
}
const SendmailArguments kToBea{.recipients = {"bea@example.org"}};
const SendmailArguments kFromHeader{.recipients_from_header = true};

TEST(Letter, keeps_a_message_as_it_is) {
  const std::string_view text = "Subject: x\nTo: y@example.com\n folded\n\nbody\n\n.leading\n";
  EXPECT_EQ(letter_of(kToBea, text).body, text);
  EXPECT_THAT(letter_of(kToBea, text).recipients, ElementsAre("bea@example.org"));
}

TEST(Letter, without_a_header_gets_an_empty_line_before_its_text) {
  EXPECT_EQ(letter_of(kToBea, "hello\nworld\n").body, "\nhello\nworld\n");
  EXPECT_EQ(letter_of(kToBea, "\nhello\n").body, "\nhello\n");
  EXPECT_EQ(letter_of(kToBea, "").body, "\n");
  EXPECT_EQ(letter_of(kToBea, "Subject: x\nhello\n").body, "Subject: x\n\nhello\n");
  EXPECT_EQ(letter_of(kToBea, "Subject: x").body, "Subject: x\n\n");
  EXPECT_EQ(letter_of(kToBea, "http://example.com is a text\n").body, "http://example.com is a text\n\n");
}

TEST(Letter, of_a_field_with_too_many_addresses_says_that_and_not_all_of_them) {
  std::string text = "To: ";
  for (int i = 0; i < 20'000; ++i) text += "u" + std::to_string(i) + "@example.org, ";
  const std::string refusal = refusal_of(kFromHeader, text + "z@example.org\n\n");
  EXPECT_THAT(refusal, HasSubstr("To: more than 10000 addresses"));
  EXPECT_LT(refusal.size(), 200U);
}

TEST(Letter, quotes_the_begin_of_a_field_that_it_refuses) {
  const std::string refusal = refusal_of(kFromHeader, "To: a@@b, " + std::string(5000, 'x') + "\n\n");
  EXPECT_THAT(refusal, HasSubstr("To: a@@b, xxx"));
  EXPECT_THAT(refusal, HasSubstr("has something that is no address"));
  EXPECT_LT(refusal.size(), 300U);
}

TEST(Letter, loses_the_from_line_of_a_mailbox) {
  EXPECT_EQ(letter_of(kToBea, "From anna Sun Nov 22 08:00:00 2026\nSubject: x\n\ny\n").body,
            "Subject: x\n\ny\n");
}

TEST(Letter, ends_at_a_lone_dot_unless_dots_are_text) {
  EXPECT_EQ(letter_of(kToBea, "\na\n.\nb\n").body, "\na\n");
  EXPECT_EQ(letter_of(kToBea, "\na\r\n.\r\nb\n").body, "\na\r\n");
  EXPECT_EQ(letter_of(kToBea, "\na\n..\n. \nb\n").body, "\na\n..\n. \nb\n");
  SendmailArguments dots = kToBea;
  dots.dot_is_text = true;
  EXPECT_EQ(letter_of(dots, "\na\n.\nb\n").body, "\na\n.\nb\n");
}

TEST(Letter, takes_recipients_from_to_cc_and_bcc_and_hides_bcc) {
  const Letter letter =
      letter_of(kFromHeader,
                "To: Bea <bea@example.org>,\n  carl@example.net\nbcc: dora@example.com,\n\temil\n"
                "Cc: team: fred@example.com;\nSubject: x\n\nbody\n");
  EXPECT_THAT(letter.recipients, ElementsAre("bea@example.org", "carl@example.net", "dora@example.com",
                                             "emil", "fred@example.com"));
  EXPECT_THAT(letter.body, Not(HasSubstr("dora")));
  EXPECT_THAT(letter.body, Not(HasSubstr("emil")));
  EXPECT_THAT(letter.body, HasSubstr("Cc: team: fred@example.com;\nSubject: x\n\nbody\n"));
}

TEST(Letter, hides_bcc_without_t_too) {
  EXPECT_THAT(letter_of(kToBea, "Bcc: x@example.com\nSubject: y\n\n").body, Not(HasSubstr("Bcc")));
}

TEST(Letter, of_resent_fields_takes_only_those) {
  const Letter letter =
      letter_of(kFromHeader, "Resent-To: a@example.com\nResent-Bcc: b@example.com\nTo: c@example.com\n\n");
  EXPECT_THAT(letter.recipients, ElementsAre("a@example.com", "b@example.com"));
  EXPECT_THAT(letter.body, Not(HasSubstr("Resent-Bcc")));
}

TEST(Letter, adds_the_header_to_the_command_line_and_each_address_once) {
  SendmailArguments both = kToBea;
  both.recipients_from_header = true;
  EXPECT_THAT(letter_of(both, "To: carl@example.net, bea@example.org\n\n").recipients,
              ElementsAre("bea@example.org", "carl@example.net"));
}

TEST(Letter, takes_lists_and_bare_names_from_the_command_line) {
  const SendmailArguments arguments{.recipients = {"root", "Bea <bea@example.org>, carl@EXAMPLE.net"}};
  EXPECT_THAT(letter_of(arguments, "\n").recipients,
              ElementsAre("root", "bea@example.org", "carl@example.net"));
}

TEST(Letter, refuses_what_is_no_address_and_a_mail_to_nobody) {
  EXPECT_THAT(refusal_of({.recipients = {"a b c@@"}}, "\n"), HasSubstr("a b c@@"));
  EXPECT_THAT(refusal_of(kFromHeader, "Subject: x\n\n"), HasSubstr("no recipient"));
  EXPECT_THAT(refusal_of(kFromHeader, "To: undisclosed-recipients:;\n\n"), HasSubstr("no recipient"));
  EXPECT_THAT(refusal_of(kFromHeader, "To: good@example.com, a b c@@\n\n"), HasSubstr("no address"));
}

TEST(Letter, gets_a_from_of_the_full_name_when_it_has_none) {
  SendmailArguments named = kToBea;
  named.full_name = "Anna \"A\" M\xC3\xBCller";
  EXPECT_THAT(letter_of(named, "Subject: x\n\ny\n").body,
              testing::MatchesRegex("Subject: x\nFrom: =.utf-8.B.[^ ]+.= <anna@example.com>\n\ny\n"));
  named.full_name = "Cron\nBcc: x@example.com";
  EXPECT_EQ(letter_of(named, "\ny\n").body, "From: \"Cron Bcc: x@example.com\" <anna@example.com>\n\ny\n");
  EXPECT_THAT(letter_of(named, "From: z@example.com\n\n").body, Not(HasSubstr("Cron")));
}

}  // namespace
}  // namespace ringpost::command
