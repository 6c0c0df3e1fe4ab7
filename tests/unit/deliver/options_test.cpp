#include "ringpost/deliver/options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ringpost/base/option_table.hpp"

namespace ringpost::deliver {
namespace {

OptionValue text(std::string written) {
  return {.value = std::move(written), .source = {0, 1}};
}
OptionValue table(OptionValue::Table entries) {
  return {.value = std::move(entries), .source = {0, 1}};
}

// "key: what is wrong"; every finding says how to mend it.
template <class Options>
std::vector<std::string> problems(OptionValue::Table entries, Options* options = nullptr) {
  Options read;
  if (options == nullptr) options = &read;
  OptionReader reader({.directories = {"/etc/ringpost"}});
  option_table(options).read(options, table(std::move(entries)), reader);
  std::vector<std::string> found;
  for (const OptionProblem& problem : reader.take_problems()) {
    EXPECT_FALSE(problem.mend.empty()) << problem.message;
    found.push_back(problem.key + ": " + problem.message);
  }
  return found;
}

TEST(RouteOptionsTest, takes_a_smarthost_with_a_login) {
  RouteOptions options;
  EXPECT_THAT(problems<RouteOptions>({{"match", table({{"domain", text(".example.com")}})},
                                      {"via", text("smtp:relay.test:587")},
                                      {"username", text("anna")},
                                      {"password_file", text("relay.password")}},
                                     &options),
              testing::IsEmpty());
  EXPECT_EQ(options.match.domain, ".example.com");
  EXPECT_EQ(options.password_file.text, "/etc/ringpost/relay.password");
}

TEST(RouteOptionsTest, says_what_is_wrong_with_a_way) {
  EXPECT_THAT(problems<RouteOptions>({{"via", text("uucp:host")}}),
              testing::ElementsAre("via: \"uucp:host\" is no way to send mail"));
  EXPECT_THAT(problems<RouteOptions>({{"via", text("lmtp:host")}}),
              testing::ElementsAre("via: the server needs a port"));
  EXPECT_THAT(problems<RouteOptions>({{"match", table({{"domain", text("*.example.com")}})}}),
              testing::ElementsAre(testing::StartsWith("match: ")));
}

TEST(RouteOptionsTest, wants_name_and_password_together_and_only_for_smtp) {
  EXPECT_THAT(problems<RouteOptions>({{"via", text("smtp:relay.test")}, {"username", text("anna")}}),
              testing::ElementsAre(testing::StartsWith("password_file: ")));
  EXPECT_THAT(problems<RouteOptions>({{"via", text("smtp:relay.test")}, {"password_file", text("x")}}),
              testing::ElementsAre(testing::StartsWith("username: ")));
  EXPECT_THAT(
      problems<RouteOptions>({{"via", text("mx")}, {"username", text("anna")}, {"password_file", text("x")}}),
      testing::ElementsAre(testing::StartsWith("username: ")));
}

TEST(MailboxesOptionsTest, knows_the_kinds_of_location) {
  for (const char* good :
       {"maildir:~/Maildir", "mbox:/var/mail/%u", "pipe:/usr/bin/procmail", "lmtp:127.0.0.1:24"})
    EXPECT_THAT(problems<MailboxesOptions>({{"location", text(good)}}), testing::IsEmpty()) << good;
  for (const char* bad : {"", "maildir:", "shop", "/var/mail", "lmtp:host"})
    EXPECT_EQ(problems<MailboxesOptions>({{"location", text(bad)}}).size(), 1U) << bad;
}

TEST(DeliverOptionsTest, holds_numbers_to_their_ranges) {
  EXPECT_THAT(problems<DeliverOptions>({{"idle_timeout", text("0s")}, {"data_timeout", text("2h")}}),
              testing::IsEmpty());
  EXPECT_EQ(problems<DeliverOptions>({{"data_timeout", text("3h")}}).size(), 1U);
  EXPECT_EQ(problems<DeliverOptions>({{"connect_timeout", text("0s")}}).size(), 1U);
}

TEST(DeliverOptionsTest, every_option_has_a_sentence_and_its_default_is_in_range) {
  for (const OptionTable* options : {&option_table(static_cast<const RouteOptions*>(nullptr)),
                                     &option_table(static_cast<const MailboxesOptions*>(nullptr)),
                                     &option_table(static_cast<const DeliverOptions*>(nullptr))}) {
    for (const OptionField& field : options->fields()) {
      EXPECT_TRUE(field.help.ends_with('.')) << options->name() << "." << field.name;
      for (const auto& check : field.checks)
        EXPECT_FALSE(check(field.member_of(options->defaults()))) << options->name() << "." << field.name;
    }
  }
}

}  // namespace
}  // namespace ringpost::deliver
