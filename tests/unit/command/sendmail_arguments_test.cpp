#include "command/sendmail_arguments.hpp"

namespace ringpost::command {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Words = std::vector<std::string>;

SendmailArguments parsed(const Words& words, const std::string& name = "sendmail") {
  const auto arguments = parse_sendmail_arguments(name, words);
  EXPECT_TRUE(arguments) << arguments.error();
  return arguments.value_or(SendmailArguments{});
}
std::string error_of(const Words& words) {
  const auto arguments = parse_sendmail_arguments("sendmail", words);
  return arguments ? "" : arguments.error();
}

TEST(SendmailArguments, take_what_cron_mailx_and_php_write) {
  const auto cron = parsed({"-FCronDaemon", "-i", "-B8BITMIME", "-oem", "root"});
  EXPECT_EQ(cron.full_name, "CronDaemon");
  EXPECT_TRUE(cron.dot_is_text);
  EXPECT_THAT(cron.recipients, ElementsAre("root"));
  const auto mailx = parsed({"-i", "anna@example.com", "-r", "bea@example.org"});
  EXPECT_EQ(mailx.sender, "bea@example.org");
  EXPECT_THAT(mailx.recipients, ElementsAre("anna@example.com"));
  const auto php = parsed({"-t", "-i", "-f", "www@example.com"});
  EXPECT_TRUE(php.recipients_from_header);
  EXPECT_EQ(php.sender, "www@example.com");
}

TEST(SendmailArguments, letters_stand_in_clusters_and_values_attached_or_apart) {
  const auto a = parsed({"-tif", "x@y.example"});
  EXPECT_TRUE(a.recipients_from_header && a.dot_is_text);
  EXPECT_EQ(a.sender, "x@y.example");
  EXPECT_EQ(parsed({"-fx@y.example"}).sender, "x@y.example");
  EXPECT_TRUE(parsed({"-oi"}).dot_is_text);
  EXPECT_TRUE(parsed({"-O", "IgnoreDots=true"}).dot_is_text);
  EXPECT_FALSE(parsed({"-odb", "-oem", "-om", "-v"}).dot_is_text);
}

TEST(SendmailArguments, the_null_sender_is_a_sender) {
  EXPECT_EQ(parsed({"-f", "<>"}).sender, "");
  EXPECT_EQ(parsed({"-f", ""}).sender, "");
  EXPECT_EQ(parsed({}).sender, std::nullopt);
}

TEST(SendmailArguments, name_reports_wanted) {
  EXPECT_EQ(parsed({"-N", "success,FAILURE"}).notify.bits, mail::Notify::kSuccess | mail::Notify::kFailure);
  EXPECT_EQ(parsed({"-Nnever"}).notify.bits, mail::Notify::kNever);
  EXPECT_THAT(error_of({"-N", "never,success"}), HasSubstr("-N"));
  EXPECT_EQ(parsed({"-R", "hdrs"}).dsn_return, mail::DsnReturn::headers);
  EXPECT_EQ(parsed({"-R", "full"}).dsn_return, mail::DsnReturn::full);
  EXPECT_THAT(error_of({"-R", "all"}), HasSubstr("-R"));
  EXPECT_EQ(parsed({"-V", "QQ1"}).envelope_id, "QQ1");
}

TEST(SendmailArguments, after_two_dashes_everything_is_a_recipient) {
  EXPECT_THAT(parsed({"-i", "--", "-odd@example.com"}).recipients, ElementsAre("-odd@example.com"));
}

TEST(SendmailArguments, the_name_or_a_mode_says_what_to_do) {
  EXPECT_EQ(parsed({}, "mailq").mode, SendmailMode::show_queue);
  EXPECT_EQ(parsed({}, "newaliases").mode, SendmailMode::make_aliases);
  EXPECT_EQ(parsed({"-bp"}).mode, SendmailMode::show_queue);
  EXPECT_EQ(parsed({"-bi"}).mode, SendmailMode::make_aliases);
  EXPECT_EQ(parsed({"-bm", "x"}).mode, SendmailMode::deliver);
  EXPECT_EQ(parsed({"-q"}).mode, SendmailMode::flush_queue);
  EXPECT_EQ(parsed({"-q15m"}).mode, SendmailMode::flush_queue);
}

TEST(SendmailArguments, what_is_not_offered_is_said) {
  EXPECT_THAT(error_of({"-bs"}), HasSubstr("SMTP"));
  EXPECT_THAT(error_of({"-bd"}), HasSubstr("ringpost serve"));
  EXPECT_THAT(error_of({"-bv", "x"}), HasSubstr("-bv"));
  EXPECT_THAT(error_of({"-Z"}), HasSubstr("-Z"));
  EXPECT_THAT(error_of({"-f"}), HasSubstr("takes a value"));
}

}  // namespace
}  // namespace ringpost::command
