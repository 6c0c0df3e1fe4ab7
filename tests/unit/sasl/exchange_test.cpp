#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "ringpost/sasl/client.hpp"
#include "ringpost/sasl/limits.hpp"
#include "ringpost/sasl/server.hpp"

namespace ringpost::sasl {
namespace {

using namespace std::string_view_literals;

TEST(Mechanism, is_found_by_name_in_any_case) {
  EXPECT_EQ(find_mechanism("PLAIN"), Mechanism::plain);
  EXPECT_EQ(find_mechanism("login"), Mechanism::login);
  EXPECT_EQ(find_mechanism("PLAI"), std::nullopt);
  EXPECT_EQ(find_mechanism(""), std::nullopt);
  for (const MechanismTraits& known : kMechanisms) EXPECT_EQ(traits(known.mechanism).name, known.name);
}

TEST(Mechanism, is_chosen_in_the_order_of_preference) {
  EXPECT_EQ(choose(MechanismSet::passwords()), Mechanism::plain);
  EXPECT_EQ(choose({Mechanism::login}), Mechanism::login);
  EXPECT_EQ(choose({Mechanism::login}, {Mechanism::plain}), std::nullopt);
  const MechanismSet all{Mechanism::xoauth2, Mechanism::plain, Mechanism::scram_sha_256,
                         Mechanism::scram_sha_256_plus};
  EXPECT_EQ(choose(all, all), Mechanism::scram_sha_256_plus);
  EXPECT_EQ(choose(all, {Mechanism::plain, Mechanism::scram_sha_256}), Mechanism::scram_sha_256);
  EXPECT_EQ(choose(all), Mechanism::plain);
  EXPECT_EQ(choose({Mechanism::xoauth2, Mechanism::oauthbearer}), std::nullopt) << "a password is no token";
}

TEST(PlainServer, verifies_an_initial_response) {
  auto server = make_server(Mechanism::plain);
  ASSERT_EQ(server->start("boss\0ann\0pass word"sv), Step::verify);
  EXPECT_EQ(server->credentials().authorization_id, "boss");
  EXPECT_EQ(server->credentials().authentication_id, "ann");
  EXPECT_EQ(server->credentials().password.view(), "pass word");
}

TEST(PlainServer, asks_with_an_empty_challenge_when_nothing_came) {
  auto server = make_server(Mechanism::plain);
  ASSERT_EQ(server->start(std::nullopt), Step::challenge);
  EXPECT_EQ(server->challenge(), "");
  EXPECT_EQ(server->answer("\0ann\0secret"sv), Step::verify);
}

TEST(PlainServer, refuses_what_breaks_the_grammar) {
  for (std::string_view bad : {""sv, "ann"sv, "ann\0secret"sv, "\0ann\0"sv, "\0\0secret"sv,
                               "\0ann\0sec\0ret"sv, "a\nb\0ann\0secret"sv, "\0an\rn\0secret"sv}) {
    EXPECT_EQ(make_server(Mechanism::plain)->start(bad), Step::malformed) << bad;
  }
}

TEST(PlainServer, bounds_each_field) {
  const std::string longest(kFieldBytesMax, 'x');
  const std::string nul(1, '\0');
  EXPECT_EQ(make_server(Mechanism::plain)->start(nul + longest + nul + longest), Step::verify);
  EXPECT_EQ(make_server(Mechanism::plain)->start(nul + longest + "x" + nul + longest), Step::malformed);
  EXPECT_EQ(make_server(Mechanism::plain)->start(nul + longest + nul + longest + "x"), Step::malformed);
}

TEST(LoginServer, asks_for_name_and_password) {
  auto server = make_server(Mechanism::login);
  ASSERT_EQ(server->start(std::nullopt), Step::challenge);
  EXPECT_EQ(server->challenge(), "Username:");
  ASSERT_EQ(server->answer("ann"), Step::challenge);
  EXPECT_EQ(server->challenge(), "Password:");
  ASSERT_EQ(server->answer("secret"), Step::verify);
  EXPECT_EQ(server->credentials().authentication_id, "ann");
  EXPECT_EQ(server->credentials().password.view(), "secret");
}

TEST(LoginServer, takes_the_name_as_initial_response) {
  auto server = make_server(Mechanism::login);
  ASSERT_EQ(server->start("ann"), Step::challenge);
  EXPECT_EQ(server->challenge(), "Password:");
}

TEST(LoginServer, refuses_empty_and_unprintable_answers) {
  EXPECT_EQ(make_server(Mechanism::login)->start(""), Step::malformed);
  EXPECT_EQ(make_server(Mechanism::login)->start("a\0b"sv), Step::malformed);
  auto server = make_server(Mechanism::login);
  ASSERT_EQ(server->start("ann"), Step::challenge);
  EXPECT_EQ(server->answer(""), Step::malformed);
}

TEST(ServerExchange, forgets_the_credentials_at_the_verdict) {
  for (bool verified : {true, false}) {
    auto server = make_server(Mechanism::plain);
    ASSERT_EQ(server->start("\0ann\0secret"sv), Step::verify);
    EXPECT_EQ(server->verdict(verified), verified ? Step::accepted : Step::refused);
    EXPECT_TRUE(server->credentials().password.empty());
    EXPECT_TRUE(server->credentials().authentication_id.empty());
  }
}

TEST(ClientExchange, agrees_with_the_server_on_every_mechanism) {
  const Credentials credentials{"", "ann",
                                Secret("s\xc3\xa9"
                                       "cret")};
  for (const MechanismTraits& known : kMechanisms) {
    if (!MechanismSet::passwords().has(known.mechanism)) continue;
    for (bool use_initial : {true, false}) {
      auto client = make_client(known.mechanism, credentials);
      auto server = make_server(known.mechanism);
      std::optional<Secret> message;
      if (use_initial) message = client->initial();
      EXPECT_EQ(message.has_value(), use_initial && known.client_first);
      Step step = server->start(message ? std::optional(message->view()) : std::nullopt);
      for (int round = 0; step == Step::challenge && round < 5; ++round) {
        message = client->answer(server->challenge());
        ASSERT_TRUE(message.has_value());
        step = server->answer(message->view());
      }
      ASSERT_EQ(step, Step::verify) << known.name;
      EXPECT_EQ(server->credentials().authentication_id, "ann");
      EXPECT_EQ(server->credentials().password.view(), credentials.password.view());
    }
  }
}

TEST(ClientExchange, gives_up_when_the_server_asks_too_often) {
  const Credentials credentials{"", "ann", Secret("secret")};
  auto plain = make_client(Mechanism::plain, credentials);
  ASSERT_TRUE(plain->initial());
  EXPECT_FALSE(plain->answer(""));
  auto login = make_client(Mechanism::login, credentials);
  ASSERT_TRUE(login->answer("Username:"));
  ASSERT_TRUE(login->answer("Password:"));
  EXPECT_FALSE(login->answer("Really?"));
}

TEST(Secret, passes_ownership_and_leaves_nothing_behind) {
  Secret first("secret");
  Secret second(std::move(first));
  EXPECT_TRUE(first.empty());  // NOLINT(bugprone-use-after-move): that is what is tested
  EXPECT_EQ(second.view(), "secret");
  first = std::move(second);
  EXPECT_TRUE(second.empty());  // NOLINT(bugprone-use-after-move)
  const char* const bytes = first.view().data();
  const std::string before(bytes, 6);
  EXPECT_EQ(before, "secret");
  first.wipe();
  EXPECT_TRUE(first.empty());
}

}  // namespace
}  // namespace ringpost::sasl
