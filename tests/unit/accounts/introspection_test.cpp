// What an issuer says of a token, and for how long it holds.
#include <map>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "ringpost/accounts/limits.hpp"
#include "ringpost/accounts/token_check.hpp"

#include "unit/accounts/world.hpp"

namespace ringpost::accounts {
namespace {

struct Issuer {
  std::map<std::string, Introspection::Answer> answers;  // by form
  Introspection::Answer others{200, R"({"active":false})"};
  std::vector<std::string> asked;
};

class FakeEndpoint final : public Introspection {
 public:
  explicit FakeEndpoint(Issuer& issuer) : issuer_(issuer) {}
  Task<Result<Answer>> ask(shard::Core& /*core*/, sasl::Secret form) override {
    issuer_.asked.emplace_back(form.view());
    const auto found = issuer_.answers.find(issuer_.asked.back());
    co_return found == issuer_.answers.end() ? issuer_.others : found->second;
  }

 private:
  Issuer& issuer_;
};

std::string form(std::string_view token) {
  return "token_type_hint=access_token&token=" + std::string(token);
}

class IntrospectionTest : public AccountsTest {
 protected:
  std::unique_ptr<TokenCheck> check(Duration kept = 5min, TokenRules rules = {"", "", "username"}) {
    return make_introspection_check(std::make_unique<FakeEndpoint>(issuer_), std::move(rules), kept);
  }
  Result<std::string> ask(TokenCheck& check, std::string_view token) {
    Result<std::string> result;
    EXPECT_TRUE(machine().run(into(check.check(core(), sasl::Secret(token)), result)));
    return result;
  }
  void active(std::string_view token, std::string_view more = "") {
    issuer_.answers[form(token)] = {200, fmt::format(R"({{"active":true,"username":"anna"{}}})", more)};
  }
  Issuer issuer_;
};

TEST_F(IntrospectionTest, a_token_crosses_as_a_form_whatever_is_in_it) {
  const auto tokens = check();
  (void)ask(*tokens, std::string_view("aZ0-._~+/=& %\0\xC3\x9F", 16));
  EXPECT_EQ(issuer_.asked.front(), form("aZ0-._~%2B%2F%3D%26%20%25%00%C3%9F"));
}

TEST_F(IntrospectionTest, an_answer_holds_for_so_long_and_not_beyond_the_end_of_its_token) {
  const auto tokens = check(5min);
  const std::int64_t now = core().wall_now().seconds();
  active("plain");
  active("short", fmt::format(R"(,"exp":{})", now + 60));
  active("long", fmt::format(R"(,"exp":{})", now + 86'400));
  for (const char* token : {"plain", "short", "long"}) EXPECT_EQ(*ask(*tokens, token), "anna");
  EXPECT_EQ(issuer_.asked.size(), 3U);
  pass(30s);
  for (const char* token : {"plain", "short", "long"}) EXPECT_EQ(*ask(*tokens, token), "anna");
  EXPECT_EQ(issuer_.asked.size(), 3U);
  pass(31s);
  issuer_.answers.clear();
  EXPECT_FALSE(ask(*tokens, "short")) << "it has expired";
  EXPECT_EQ(*ask(*tokens, "plain"), "anna");
  EXPECT_EQ(*ask(*tokens, "long"), "anna");
  pass(4min);
  EXPECT_FALSE(ask(*tokens, "plain")) << "it was revoked meanwhile";
  EXPECT_FALSE(ask(*tokens, "long"));
}

TEST_F(IntrospectionTest, a_token_at_its_end_is_let_in_and_not_kept) {
  const auto tokens = check(5min);
  active("late", fmt::format(R"(,"exp":{})", core().wall_now().seconds() - 30));  // clocks differ
  EXPECT_TRUE(ask(*tokens, "late"));
  EXPECT_TRUE(ask(*tokens, "late"));
  EXPECT_EQ(issuer_.asked.size(), 2U);
}

TEST_F(IntrospectionTest, a_refusal_is_not_kept_nor_is_what_is_no_answer) {
  const auto tokens = check();
  EXPECT_EQ(ask(*tokens, "x").error().kind, ErrorKind::permanent);
  issuer_.others = {500, R"({"active":false})"};
  EXPECT_TRUE(ask(*tokens, "x").error().temporary());
  issuer_.others = {200, R"({"active":"true","username":"anna"})"};
  EXPECT_TRUE(ask(*tokens, "x").error().temporary()) << "a text is no truth";
  active("x");
  EXPECT_TRUE(ask(*tokens, "x"));
  issuer_.answers.clear();
  EXPECT_TRUE(ask(*tokens, "x"));
}

TEST_F(IntrospectionTest, of_too_many_tokens_the_one_that_was_not_used_is_forgotten) {
  const auto tokens = check();
  for (std::size_t i = 0; i < kTokensKeptMax; ++i) {
    active(std::to_string(i));
    ASSERT_TRUE(ask(*tokens, std::to_string(i)));
  }
  ASSERT_TRUE(ask(*tokens, "0"));
  EXPECT_EQ(issuer_.asked.size(), kTokensKeptMax) << "all of them are kept";
  active("new");
  ASSERT_TRUE(ask(*tokens, "new"));
  const std::size_t before = issuer_.asked.size();
  ASSERT_TRUE(ask(*tokens, "0"));
  EXPECT_EQ(issuer_.asked.size(), before) << "it was used";
  ASSERT_TRUE(ask(*tokens, "1"));
  EXPECT_EQ(issuer_.asked.size(), before + 1) << "it was not";
}

TEST_F(IntrospectionTest, only_what_has_three_parts_is_for_the_key) {
  class Named final : public TokenCheck {
   public:
    explicit Named(std::string name) : name_(std::move(name)) {}
    Task<Result<std::string>> check(shard::Core&, sasl::Secret) override { co_return name_; }

   private:
    std::string name_;
  };
  const auto either = make_either_check(std::make_unique<Named>("key"), std::make_unique<Named>("issuer"));
  EXPECT_EQ(*ask(*either, "a.b.c"), "key");
  for (const char* token : {"abc", "a.b", "a.b.c.d", ""}) EXPECT_EQ(*ask(*either, token), "issuer") << token;
}

}  // namespace
}  // namespace ringpost::accounts
