#include "ringpost/policy/policy.hpp"

#include <gtest/gtest.h>

namespace ringpost::policy {
namespace {

struct Known final : Recipients {
  bool exists(std::string_view local_part, std::string_view) const override { return local_part == "anna"; }
  bool owned(std::string_view login, std::string_view local_part, std::string_view domain) const override {
    return login == local_part || login == std::string(local_part) + "@" + std::string(domain);
  }
};

Policy make_policy() {
  Policy::Settings settings;
  settings.hostname = "mx.example.com";
  settings.domains.local = {"example.com"};
  settings.policy.relay_domains = {"partner.example", ".wide.example"};
  settings.recipients = std::make_shared<Known>();
  return Policy(settings);
}

const Client kStranger{.address = IpAddress::ipv4(192, 0, 2, 1)};
const Client kNeighbour{.address = IpAddress::loopback()};
const Client kUser{.address = IpAddress::ipv4(192, 0, 2, 1), .authenticated = true};

int code(const Client& client, std::string_view address) {
  const auto verdict = make_policy().recipient(client, address);
  return verdict.accepted ? 250 : verdict.reply.code;
}

TEST(Policy, strangers_reach_existing_local_recipients_only) {
  EXPECT_EQ(code(kStranger, "anna@example.com"), 250);
  EXPECT_EQ(code(kStranger, "anna@mx.example.com"), 250);
  EXPECT_EQ(code(kStranger, "nobody@example.com"), 550);
  EXPECT_EQ(code(kStranger, "anna@elsewhere.example"), 554);
}

TEST(Policy, a_client_without_an_address_is_a_stranger_unless_the_mail_was_made_here) {
  EXPECT_EQ(code(Client{}, "anna@elsewhere.example"), 554);
  EXPECT_EQ(code(Client{.local = true}, "anna@elsewhere.example"), 250);
}

TEST(Policy, who_logged_in_sends_from_what_is_its_own) {
  const Policy policy = make_policy();
  const auto may = [&](std::string_view login, std::string_view address) {
    return policy.sender(login, address).accepted;
  };
  EXPECT_TRUE(may("anna", "anna@example.com"));
  EXPECT_TRUE(may("anna", "anna+news@example.com"));
  EXPECT_TRUE(may("anna", "")) << "a report has no sender";
  EXPECT_FALSE(may("anna", "bert@example.com"));
  EXPECT_FALSE(may("anna", "anna@elsewhere.example")) << "another anna";
  EXPECT_TRUE(may("anna@elsewhere.example", "anna@elsewhere.example"));
  EXPECT_FALSE(may("anna@elsewhere.example", "anna@example.com"));
  const Verdict refused = policy.sender("anna", "bert@example.com");
  EXPECT_EQ(refused.reply.code, 553);
  EXPECT_EQ(to_string(refused.reply.status), "5.7.1");
  EXPECT_NE(refused.reply.text.find("bert@example.com is not owned by user anna"), std::string::npos);
}

TEST(Policy, a_refusal_carries_its_enhanced_status) {
  EXPECT_EQ(to_string(make_policy().recipient(kStranger, "x@elsewhere.example").reply.status), "5.7.1");
  EXPECT_EQ(to_string(make_policy().recipient(kStranger, "nobody@example.com").reply.status), "5.1.1");
}

TEST(Policy, postmaster_is_always_accepted) {
  for (const char* address :
       {"postmaster", "Postmaster@example.com", "POSTMASTER@mx.example.com", "postmaster+x@example.com"})
    EXPECT_EQ(code(kStranger, address), 250) << address;
}

TEST(Policy, the_extension_is_taken_off_to_find_the_user) {
  EXPECT_EQ(code(kStranger, "anna+lists@example.com"), 250);
  EXPECT_EQ(code(kStranger, "nobody+lists@example.com"), 550);
}

TEST(Policy, every_published_way_to_relay_is_refused_to_strangers) {
  for (const char* address :
       {"victim@elsewhere.example", "victim%elsewhere.example@example.com",
        "elsewhere.example!victim@example.com", "\"victim@elsewhere.example\"@example.com",
        "\"victim%elsewhere.example\"@mx.example.com", "elsewhere.example!victim", "victim%elsewhere.example",
        "\"victim@elsewhere.example\"", "victim%elsewhere.example@partner.example", "victim@[192.0.2.77]",
        "@elsewhere.example:victim@example.com"})
    EXPECT_EQ(code(kStranger, address), 554) << address;
}

TEST(Policy, relay_domains_take_mail_from_anybody) {
  EXPECT_EQ(code(kStranger, "x@partner.example"), 250);
  EXPECT_EQ(code(kStranger, "x@a.wide.example"), 250);
  EXPECT_EQ(code(kStranger, "x@wide.example"), 554);
  EXPECT_EQ(code(kStranger, "x@notpartner.example"), 554);
}

TEST(Policy, networks_and_users_may_relay) {
  EXPECT_EQ(code(kNeighbour, "x@elsewhere.example"), 250);
  EXPECT_EQ(code(kUser, "x@elsewhere.example"), 250);
  EXPECT_EQ(code(Client{.local = true}, "x@elsewhere.example"), 250);  // the pickup directory
}

TEST(Policy, an_lmtp_client_delivers_here_only) {
  const Client frontend{.address = IpAddress::loopback(), .lmtp = true};
  EXPECT_EQ(code(frontend, "anna@example.com"), 250);
  EXPECT_EQ(code(frontend, "x@elsewhere.example"), 554);
  EXPECT_EQ(code(frontend, "x@partner.example"), 554);
}

TEST(Policy, a_bare_local_part_is_at_our_own_name) {
  EXPECT_EQ(make_policy().qualify("postmaster"), "postmaster@mx.example.com");
  EXPECT_EQ(make_policy().qualify("a@b.example"), "a@b.example");
  EXPECT_EQ(make_policy().qualify(""), "");
}

}  // namespace
}  // namespace ringpost::policy
