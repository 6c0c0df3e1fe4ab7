// Exchanges inside the lines of a protocol.
#include "ringpost/sasl/server_login.hpp"

#include <gtest/gtest.h>

#include "ringpost/mail/base64.hpp"

#include "unit/sasl/rfc_login.hpp"

namespace ringpost::sasl {
namespace {

using namespace std::string_view_literals;

std::string challenge_of(const ServerLogin& login) {
  std::string text;
  login.append_challenge(text);
  return text;
}

TEST(ServerLogin, reads_base64_with_and_without_an_initial_response) {
  ServerLogin at_once(Mechanism::plain);
  EXPECT_EQ(at_once.begin(mail::base64("\0ann\0secret"sv)), Turn::verify);
  EXPECT_EQ(at_once.credentials().authentication_id, "ann");
  ServerLogin asked(Mechanism::plain);
  EXPECT_EQ(asked.begin(), Turn::ask);
  EXPECT_EQ(challenge_of(asked), "");
  EXPECT_EQ(asked.answer(mail::base64("\0ann\0secret"sv)), Turn::verify);
  EXPECT_EQ(asked.verdict(true), Turn::accepted);
  EXPECT_TRUE(asked.verified());
}

TEST(ServerLogin, an_equals_sign_is_the_response_that_is_empty) {
  EXPECT_EQ(ServerLogin(Mechanism::plain).begin("="), Turn::malformed)
      << "PLAIN has nothing to say with nothing";
  EXPECT_EQ(ServerLogin(Mechanism::plain).begin(""), Turn::malformed);
}

TEST(ServerLogin, tells_a_cancel_from_nonsense) {
  for (const auto& [line, turn] :
       {std::pair("*"sv, Turn::cancelled), {"!"sv, Turn::no_base64}, {"YQ=="sv, Turn::malformed}}) {
    ServerLogin login(Mechanism::plain);
    ASSERT_EQ(login.begin(), Turn::ask);
    EXPECT_EQ(login.answer(line), turn) << line;
  }
}

TEST(ServerLogin, a_command_of_the_protocol_is_verified_at_once) {
  ServerLogin login("USER", "ann", Secret("secret"));
  EXPECT_EQ(login.begin(), Turn::verify);
  EXPECT_EQ(login.name(), "USER");
  EXPECT_EQ(login.credentials().password.view(), "secret");
  EXPECT_EQ(login.verdict(false), Turn::refused);
  EXPECT_FALSE(login.verified());
  EXPECT_TRUE(login.credentials().password.empty());
}

TEST(ServerLogin, scram_rests_for_its_keys_and_has_a_last_word) {
  ServerLogin login(Mechanism::scram_sha_256);
  ASSERT_EQ(login.begin(mail::base64("n,,n=user,r=rOprNGfwEbeRWgbNEkqO")), Turn::keys);
  ASSERT_EQ(login.take_keys(testing::rfc_keys(), {.nonce = std::string(testing::kServerNonce)}), Turn::ask);
  EXPECT_EQ(
      challenge_of(login),
      mail::base64("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"));
  ASSERT_EQ(login.answer(mail::base64("c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                                      "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=")),
            Turn::verify);
  ASSERT_EQ(login.verdict(true), Turn::ask);
  EXPECT_EQ(challenge_of(login), mail::base64("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
  EXPECT_TRUE(login.verified());
  EXPECT_EQ(login.answer(""), Turn::accepted);
}

}  // namespace
}  // namespace ringpost::sasl
