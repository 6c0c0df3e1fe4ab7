#include "receive/repeats.hpp"

#include <gtest/gtest.h>

#include "ringpost/mail/limits.hpp"

namespace ringpost::receive {
namespace {

policy::Policy make_policy() {
  policy::Policy::Settings settings;
  settings.hostname = "mx.example.com";
  settings.domains.local = {"example.com"};
  settings.domains.recipient_delimiter = "+";
  return policy::Policy(std::move(settings));
}

mail::Envelope to(std::initializer_list<mail::Recipient> recipients) {
  mail::Envelope envelope;
  envelope.smtputf8 = true;
  envelope.set_reverse_path("carl@remote.example");
  envelope.set_envid("id");
  for (const mail::Recipient& recipient : recipients) envelope.add_recipient(recipient);
  return envelope;
}

std::vector<std::string> addresses(const mail::Envelope& envelope) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < envelope.recipient_count(); ++i)
    all.emplace_back(envelope.recipient(i).address);
  return all;
}

using Addresses = std::vector<std::string>;

TEST(WithoutRepeats, a_mailbox_is_there_once_in_whatever_case) {
  const auto without = without_repeats(to({{.address = "anna@example.com"},
                                           {.address = "bert@example.com"},
                                           {.address = "Anna@example.com"},
                                           {.address = "anna@example.com"},
                                           {.address = "cleo@example.com"},
                                           {.address = "BERT@example.com"}}),
                                       make_policy());
  ASSERT_TRUE(without);
  EXPECT_EQ(addresses(without->envelope),
            (Addresses{"anna@example.com", "bert@example.com", "cleo@example.com"}));
  EXPECT_EQ(without->places, (std::vector<std::uint32_t>{0, 1, 0, 0, 2, 1}));
  EXPECT_EQ(without->envelope.reverse_path(), "carl@remote.example");
  EXPECT_EQ(without->envelope.envid(), "id");
  EXPECT_TRUE(without->envelope.smtputf8);
}

TEST(WithoutRepeats, each_rcpt_has_its_reply) {
  const auto without = without_repeats(
      to({{.address = "anna@example.com"}, {.address = "anna@example.com"}, {.address = "bert@example.com"}}),
      make_policy());
  ASSERT_TRUE(without);
  const std::vector<mail::Reply> replies{{250, {2, 0, 0}, "anna"}, {452, {4, 2, 2}, "bert"}};
  std::vector<std::string> texts;
  for (const mail::Reply& reply : without->for_each_given(replies)) texts.push_back(reply.text);
  EXPECT_EQ(texts, (Addresses{"anna", "anna", "bert"}));
}

TEST(WithoutRepeats, who_is_not_the_same_is_no_repeat) {
  const policy::Policy policy = make_policy();
  EXPECT_FALSE(without_repeats(to({{.address = "anna@example.com"}}), policy));
  EXPECT_FALSE(without_repeats(to({{.address = "anna@example.com"},
                                   {.address = "anna+news@example.com"},
                                   {.address = "anna+News@example.com"},
                                   {.address = "ann@example.com"}}),
                               policy));
  // Elsewhere nobody here knows who is the same.
  EXPECT_FALSE(without_repeats(to({{.address = "anna@remote.example"},
                                   {.address = "Anna@remote.example"},
                                   {.address = "anna@remote.example"}}),
                               policy));
  mail::Notify never;
  never.bits = mail::Notify::kNever;
  EXPECT_FALSE(without_repeats(
      to({{.address = "anna@example.com"}, {.address = "anna@example.com", .notify = never}}), policy));
  EXPECT_FALSE(without_repeats(to({{.address = "anna@example.com", .original_recipient = "rfc822;a"},
                                   {.address = "anna@example.com", .original_recipient = "rfc822;b"}}),
                               policy));
}

TEST(WithoutRepeats, a_bare_postmaster_is_here) {
  const auto without =
      without_repeats(to({{.address = "postmaster"}, {.address = "Postmaster"}}), make_policy());
  ASSERT_TRUE(without);
  EXPECT_EQ(addresses(without->envelope), (Addresses{"postmaster"}));
}

TEST(WithoutRepeats, as_many_as_an_envelope_takes) {
  mail::Envelope envelope = to({});
  for (std::size_t i = 0; i < mail::kRecipientsMax; ++i)
    envelope.add_recipient({.address = i % 2 == 0 ? "anna@example.com" : "Anna@example.com"});
  const auto without = without_repeats(envelope, make_policy());
  ASSERT_TRUE(without);
  EXPECT_EQ(without->envelope.recipient_count(), 1U);
  EXPECT_EQ(without->places.size(), mail::kRecipientsMax);
}

}  // namespace
}  // namespace ringpost::receive
