// What drivers of a protocol do alike at a login.
#include "ringpost/accounts/login_desk.hpp"

#include <gtest/gtest.h>

#include "ringpost/accounts/limits.hpp"

#include "unit/accounts/world.hpp"

namespace ringpost::accounts {
namespace {

const LoginClient kClient{IpAddress::ipv4(192, 0, 2, 1), "mail"};

struct Heard {  // what a session is told
  sasl::Credentials& credentials() { return given; }
  void give_auth_keys(sasl::ScramKeys keys, const sasl::Material& material) {
    said = "keys " + std::to_string(keys.keys.size()) + (material.nonce.size() >= 18 ? " nonce" : "") + " " +
           material.channel_binding;
  }
  void refuse_auth(sasl::Refusal why) { said = "refused " + std::to_string(static_cast<int>(why)); }
  void postpone_auth(std::string_view text) { said = text; }
  sasl::Credentials given;
  std::string said;
};

class LoginDeskTest : public AccountsTest {
 protected:
  LoginVerdict judge(LoginDesk& desk, std::string_view password, std::string_view name = "anna") {
    sasl::Credentials credentials;
    credentials.authentication_id = name;
    credentials.password = sasl::Secret(password);
    LoginVerdict verdict;
    EXPECT_TRUE(machine().run(into(desk.judge(std::move(credentials), kClient), verdict)));
    return verdict;
  }
};

TEST_F(LoginDeskTest, a_refusal_takes_whole_seconds_whoever_it_was) {
  auto accounts = open();
  ASSERT_TRUE(accounts->add_user("anna", "secret"));
  LoginDesk desk(core(), *accounts);
  for (const char* name : {"anna", "nobody"}) {
    const Instant begun = core().now();
    const LoginVerdict verdict = judge(desk, "wrong", name);
    EXPECT_FALSE(verdict.accepted);
    EXPECT_GE(core().now() - begun, kRefusalStep) << name;
    EXPECT_LT(core().now() - begun, 2 * kRefusalStep) << name;
    Heard heard;
    verdict.tell(heard);
    EXPECT_EQ(heard.said, "refused 0") << name;
  }
  EXPECT_EQ(desk.figures().failures.value(), 2U);
  const Instant begun = core().now();
  EXPECT_EQ(judge(desk, "secret").name, "anna");
  EXPECT_LT(core().now() - begun, kRefusalStep) << "who is let in waits for nothing";
}

TEST_F(LoginDeskTest, who_failed_too_often_hears_how_long_to_wait) {
  auto accounts = open();
  ASSERT_TRUE(accounts->add_user("anna", "secret"));
  LoginDesk desk(core(), *accounts);
  for (std::uint32_t i = 0; i <= kFreeFailuresOfAccount; ++i) (void)judge(desk, "wrong");
  Heard heard;
  judge(desk, "secret").tell(heard);
  EXPECT_TRUE(heard.said.starts_with("Too many failed logins, try again in ")) << heard.said;
  EXPECT_EQ(desk.figures().delayed.value(), 1U);
  heard.given.authentication_id = "anna";
  EXPECT_TRUE(machine().run(desk.give_keys(heard, kClient, "bound")));
  EXPECT_TRUE(heard.said.starts_with("Too many failed logins, try again in ")) << heard.said;
  EXPECT_EQ(desk.figures().delayed.value(), 2U);
}

TEST_F(LoginDeskTest, keys_come_for_everybody_with_a_nonce_and_the_binding) {
  auto accounts = open();
  ASSERT_TRUE(accounts->add_user("anna", "secret"));
  LoginDesk desk(core(), *accounts);
  for (const char* name : {"anna", "nobody"}) {
    Heard heard;
    heard.given.authentication_id = name;
    EXPECT_TRUE(machine().run(desk.give_keys(heard, kClient, "bound")));
    EXPECT_EQ(heard.said, "keys 1 nonce bound") << name;
  }
}

}  // namespace
}  // namespace ringpost::accounts
