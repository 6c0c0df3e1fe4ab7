// OAUTHBEARER and XOAUTH2.
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "ringpost/sasl/client.hpp"
#include "ringpost/sasl/limits.hpp"
#include "ringpost/sasl/server.hpp"

namespace ringpost::sasl {
namespace {

using namespace std::string_view_literals;

TEST(Bearer, takes_the_examples_of_the_rfc) {
  // RFC 7628 section 4.1.
  auto server = make_server(Mechanism::oauthbearer);
  ASSERT_EQ(server->start("n,a=user@example.com,\1host=server.example.com\1port=143\1auth=Bearer "
                          "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\1\1"sv),
            Step::verify);
  EXPECT_EQ(server->credentials().evidence, Evidence::token);
  EXPECT_EQ(server->credentials().authorization_id, "user@example.com");
  EXPECT_EQ(server->credentials().authentication_id, "");
  EXPECT_EQ(server->credentials().password.view(), "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==");
  EXPECT_EQ(server->verdict(true), Step::accepted);
}

TEST(Bearer, takes_the_older_form) {
  auto server = make_server(Mechanism::xoauth2);
  ASSERT_EQ(server->start("user=ann@example.com\1auth=bearer ya29.vF9dft4\1\1"sv), Step::verify);
  EXPECT_EQ(server->credentials().authentication_id, "ann@example.com");
  EXPECT_EQ(server->credentials().password.view(), "ya29.vF9dft4");
}

TEST(Bearer, says_why_before_it_refuses) {
  const Credentials ann{"", "ann", Secret("token")};
  for (const Mechanism mechanism : {Mechanism::oauthbearer, Mechanism::xoauth2}) {
    for (const bool use_initial : {true, false}) {
      auto client = make_client(mechanism, ann);
      auto server = make_server(mechanism);
      std::optional<Secret> message;
      if (use_initial) message = client->initial();
      Step step = server->start(message ? std::optional(message->view()) : std::nullopt);
      if (!use_initial) {
        ASSERT_EQ(step, Step::challenge);
        message = client->answer(server->challenge());
        step = server->answer(message->view());
      }
      ASSERT_EQ(step, Step::verify);
      EXPECT_EQ(server->credentials().password.view(), "token");
      ASSERT_EQ(server->verdict(false), Step::challenge);
      EXPECT_TRUE(server->challenge().starts_with(R"({"status":)")) << server->challenge();
      EXPECT_TRUE(server->credentials().password.empty());
      message = client->answer(server->challenge());
      ASSERT_TRUE(message);
      EXPECT_EQ(server->answer(message->view()), Step::refused);
      EXPECT_FALSE(client->answer("again"));
    }
  }
}

TEST(Bearer, refuses_what_breaks_the_grammar) {
  for (std::string_view bad :
       {""sv, "n,"sv, "n,,"sv, "n,,\1"sv, "n,,\1\1"sv, "n,,\1auth=Bearer x\1"sv, "n,,auth=Bearer x\1\1"sv,
        "n,,\1auth=Basic eHg=\1\1"sv, "n,,\1auth=Bearer \1\1"sv, "n,,\1auth=Bearer a b\1\1"sv,
        "n,,\1auth=\1\1"sv, "p=tls-exporter,,\1auth=Bearer x\1\1"sv, "n,a=,\1auth=Bearer x\1\1"sv,
        "n,a=a=b,\1auth=Bearer x\1\1"sv, "n,,\1=x\1auth=Bearer x\1\1"sv, "n,,\1host\1auth=Bearer x\1\1"sv,
        "n,,\1auth=Bearer x\1\1more"sv})
    EXPECT_EQ(make_server(Mechanism::oauthbearer)->start(bad), Step::malformed) << bad;
  for (std::string_view bad :
       {""sv, "\1"sv, "auth=Bearer x\1\1"sv, "user=\1auth=Bearer x\1\1"sv, "user=ann\1\1"sv,
        "user=ann\1auth=Bearer x\1"sv, "user=a\nn\1auth=Bearer x\1\1"sv})
    EXPECT_EQ(make_server(Mechanism::xoauth2)->start(bad), Step::malformed) << bad;
}

TEST(Bearer, bounds_a_message) {
  const std::string head = "n,,\1auth=Bearer ";
  const std::string longest = head + std::string(kMessageBytesMax - head.size() - 2, 'x') + "\1\1";
  EXPECT_EQ(make_server(Mechanism::oauthbearer)->start(longest), Step::verify);
  EXPECT_EQ(make_server(Mechanism::oauthbearer)->start(head + "x" + longest.substr(head.size())),
            Step::malformed);
}

}  // namespace
}  // namespace ringpost::sasl
