// Logging in: by password, by proof, by token; and what a stranger can learn from it.
#include <gtest/gtest.h>

#include "ringpost/accounts/limits.hpp"
#include "ringpost/crypto/keyed_hash.hpp"
#include "ringpost/mail/base64.hpp"
#include "ringpost/sasl/client.hpp"

#include "accounts/password.hpp"
#include "unit/accounts/world.hpp"

namespace ringpost::accounts {
namespace {

const IpAddress kHome = IpAddress::ipv4(192, 0, 2, 1);
const IpAddress kAttacker = IpAddress::ipv4(198, 51, 100, 1);

TEST_F(AccountsTest, a_password_is_right_or_wrong) {
  auto accounts = open();
  ASSERT_TRUE(accounts->add_user("Anna@Example.com", "secret"));
  const LoginAnswer answer = log_in(*accounts, "anna@example.COM", "secret");
  EXPECT_EQ(answer.login, Login::accepted);
  EXPECT_EQ(answer.name, "Anna@Example.com");
  EXPECT_EQ(log_in(*accounts, "anna@example.com", "Secret").login, Login::refused);
  EXPECT_EQ(log_in(*accounts, "anna", "secret").login, Login::refused);
  EXPECT_EQ(log_in(*accounts, "nobody", "nobody has this password").login, Login::refused);
  ASSERT_TRUE(accounts->set_password("anna@example.com", "other"));
  EXPECT_EQ(log_in(*accounts, "anna@example.com", "secret").login, Login::refused);
  EXPECT_EQ(log_in(*accounts, "anna@example.com", "other").login, Login::accepted);
}

TEST_F(AccountsTest, an_account_without_a_domain_logs_in_with_one_of_ours_too) {
  auto accounts = open({"Example.com", "example.net"});
  ASSERT_TRUE(accounts->add_user("anna", "secret"));
  for (const std::string_view login : {"anna", "Anna@example.com", "anna@EXAMPLE.net"}) {
    const LoginAnswer answer = log_in(*accounts, login, "secret");
    EXPECT_EQ(answer.login, Login::accepted) << login;
    EXPECT_EQ(answer.name, "anna");
  }
  EXPECT_EQ(log_in(*accounts, "anna@example.org", "secret").login, Login::refused) << "not ours";
  EXPECT_EQ(log_in(*accounts, "anna@", "secret").login, Login::refused);
  EXPECT_EQ(log_in(*accounts, "@example.com", "secret").login, Login::refused);
  ASSERT_TRUE(accounts->add_user("bert@example.net", "other"));
  EXPECT_EQ(log_in(*accounts, "anna@example.net", "secret").login, Login::refused)
      << "there, accounts are written with the domain";
  EXPECT_EQ(log_in(*accounts, "anna@example.com", "secret").login, Login::accepted);
  accounts->serve({"example.org"});
  ASSERT_TRUE(accounts->refresh());
  EXPECT_EQ(log_in(*accounts, "anna@example.com", "secret").login, Login::refused);
  EXPECT_EQ(log_in(*accounts, "anna@example.org", "secret").login, Login::accepted);
}

// Whether there is such a name, neither the keys nor the waits say.
TEST_F(AccountsTest, both_ways_to_write_a_login_are_one) {
  auto accounts = open({"example.com"});
  ASSERT_TRUE(accounts->add_user("anna", "secret"));
  for (const std::string name : {"anna", "nobody"}) {
    EXPECT_EQ(keys(*accounts, name).keys.salt, keys(*accounts, name + "@example.com").keys.salt);
    for (std::uint8_t i = 0; i <= kFreeFailuresOfAccount; ++i)
      (void)log_in(*accounts, name + "@example.com", "wrong", IpAddress::ipv4(198, 51, 100, i));
    EXPECT_EQ(log_in(*accounts, name, "wrong", kHome).login, Login::delayed) << name;
  }
}

TEST_F(AccountsTest, nobody_acts_as_somebody_else) {
  auto accounts = open();
  ASSERT_TRUE(accounts->add_user("anna", "secret"));
  sasl::Credentials credentials;
  credentials.authorization_id = "root";
  credentials.authentication_id = "anna";
  credentials.password = sasl::Secret("secret");
  EXPECT_EQ(log_in(*accounts, std::move(credentials)).login, Login::refused);
}

TEST_F(AccountsTest, an_application_password_logs_in_and_leaves_its_time) {
  auto accounts = open();
  ASSERT_TRUE(accounts->add_user("anna", "secret"));
  const std::string phone = accounts->add_app_password("anna", "phone", 1000).value();
  const std::string tablet = accounts->add_app_password("anna", "tablet", 1000).value();
  EXPECT_EQ(log_in(*accounts, "anna", tablet).login, Login::accepted);
  const auto listed = accounts->list_app_passwords("anna").value();
  EXPECT_EQ(listed[0].last_used, std::nullopt);
  EXPECT_EQ(listed[1].last_used, core().wall_now().seconds());
  EXPECT_EQ(log_in(*accounts, "anna", "secret").login, Login::accepted) << "the main one is still good";
  ASSERT_TRUE(accounts->set_password("anna", "other"));
  EXPECT_EQ(log_in(*accounts, "anna", phone).login, Login::accepted) << "another main one changes no others";
  ASSERT_TRUE(accounts->delete_app_password("anna", "phone"));
  EXPECT_EQ(log_in(*accounts, "anna", phone).login, Login::refused);
}

// The client's side of SCRAM against the keys that accounts give; the key that its proof fits.
std::optional<std::size_t> prove(const sasl::ScramKeys& keys, std::string_view name,
                                 std::string_view password) {
  sasl::Credentials credentials;
  credentials.authentication_id = name;
  credentials.password = sasl::Secret(password);
  auto client = sasl::make_client(sasl::Mechanism::scram_sha_256, credentials, {.nonce = "client"});
  auto server = sasl::make_server(sasl::Mechanism::scram_sha_256);
  EXPECT_EQ(server->start(client->initial()->view()), sasl::Step::keys);
  EXPECT_EQ(server->take_keys(keys, {.nonce = "server"}), sasl::Step::challenge);
  EXPECT_EQ(server->answer(client->answer(server->challenge())->view()), sasl::Step::verify);
  return server->credentials().key;
}

TEST_F(AccountsTest, a_proof_is_as_good_as_the_password) {
  auto accounts = open();
  ASSERT_TRUE(accounts->add_user("anna", "secret"));
  const std::string phone = accounts->add_app_password("anna", "phone", 1000).value();
  const KeysAnswer answer = keys(*accounts, "Anna");
  EXPECT_EQ(answer.keys.keys.size(), 2U);
  const auto log_in_by = [&](std::string_view password) {
    sasl::Credentials credentials;
    credentials.authentication_id = "anna";
    credentials.evidence = sasl::Evidence::proof;
    credentials.key = prove(answer.keys, "anna", password);
    return log_in(*accounts, std::move(credentials)).login;
  };
  EXPECT_EQ(log_in_by("secret"), Login::accepted);
  EXPECT_EQ(log_in_by("wrong"), Login::refused);
  EXPECT_EQ(accounts->list_app_passwords("anna").value().front().last_used, std::nullopt);
  EXPECT_EQ(log_in_by(phone), Login::accepted);
  EXPECT_NE(accounts->list_app_passwords("anna").value().front().last_used, std::nullopt);
}

TEST_F(AccountsTest, whoever_does_not_exist_has_keys_of_his_own) {
  auto accounts = open();
  ASSERT_TRUE(accounts->add_user("anna", "secret"));
  const sasl::ScramKeys anna = keys(*accounts, "anna").keys;
  const sasl::ScramKeys nobody = keys(*accounts, "nobody").keys;
  EXPECT_EQ(nobody.salt.size(), anna.salt.size());
  EXPECT_EQ(nobody.iterations, anna.iterations);
  EXPECT_EQ(keys(*accounts, "Nobody").keys, nobody);
  EXPECT_NE(keys(*accounts, "nobody else").keys.salt, nobody.salt);
  accounts.reset();
  EXPECT_EQ(keys(*open(), "nobody").keys, nobody) << "also after a restart";
  EXPECT_EQ(prove(nobody, "nobody", ""), std::nullopt);
}

TEST_F(AccountsTest, keys_of_a_passwd_file_serve_both_ways) {
  const sasl::ScramKey key = sasl::derive_scram_key("secret", "salt", 4096);
  options_.userdb = options_.passdb = {"passwd_file"};
  options_.passwd_file =
      write("passwd", "anna:{SCRAM-SHA-256}4096,c2FsdA==," + mail::base64(crypto::as_text(key.stored)) + "," +
                          mail::base64(crypto::as_text(key.server)) +
                          "\nbea:" + hash_password("other").value() + ":::::: nologin\n");
  auto accounts = open();
  EXPECT_EQ(log_in(*accounts, "anna", "secret").login, Login::accepted);
  EXPECT_EQ(log_in(*accounts, "anna", "wrong").login, Login::refused);
  EXPECT_EQ(prove(keys(*accounts, "anna").keys, "anna", "secret"), 0U);
  EXPECT_EQ(log_in(*accounts, "bea", "other").login, Login::refused) << "nologin";
  EXPECT_TRUE(accounts->mechanisms(false).has(sasl::Mechanism::scram_sha_256)) << "bea does not count";
}

TEST_F(AccountsTest, who_is_in_no_passdb_does_not_log_in) {
  options_.userdb = {"passwd_file"};
  options_.passwd_file = write("passwd", "anna:" + hash_password("secret").value() + "\n");
  EXPECT_EQ(log_in(*open(), "anna", "secret").login, Login::refused);
  options_.passdb = {"passwd_file"};
  EXPECT_EQ(log_in(*open(), "anna", "secret").login, Login::accepted);
}

TEST_F(AccountsTest, new_passwords_are_hashed_as_configured) {
  options_.password_hash = PasswordHash::argon2id;
  auto accounts = open();
  ASSERT_TRUE(accounts->add_user("anna", "secret"));
  EXPECT_EQ(log_in(*accounts, "anna", "secret").login, Login::accepted);
  EXPECT_EQ(log_in(*accounts, "anna", "wrong").login, Login::refused);
}

TEST_F(AccountsTest, failures_make_an_account_wait_and_not_its_owner) {
  auto accounts = open();
  ASSERT_TRUE(accounts->add_user("anna", "secret"));
  EXPECT_EQ(log_in(*accounts, "anna", "secret", kHome).login, Login::accepted);
  for (std::uint32_t i = 0; i <= kFreeFailuresOfAccount; ++i)
    EXPECT_EQ(log_in(*accounts, "anna", "wrong", kAttacker).login, Login::refused) << i;
  const LoginAnswer delayed = log_in(*accounts, "anna", "secret", kAttacker);
  EXPECT_EQ(delayed.login, Login::delayed) << "not even the right one is looked at";
  EXPECT_GT(delayed.wait, Duration{});
  EXPECT_LE(delayed.wait, kFirstWait);
  EXPECT_GT(keys(*accounts, "anna", kAttacker).wait, Duration{});
  EXPECT_EQ(log_in(*accounts, "anna", "secret", kHome).login, Login::accepted) << "known there";
}

TEST_F(AccountsTest, names_that_do_not_exist_wait_as_well) {
  auto accounts = open();
  for (std::uint32_t i = 0; i <= kFreeFailuresOfAccount; ++i)
    EXPECT_EQ(log_in(*accounts, "nobody", "wrong").login, Login::refused);
  EXPECT_EQ(log_in(*accounts, "nobody", "wrong").login, Login::delayed);
  pass(kFirstWait);
  EXPECT_EQ(log_in(*accounts, "nobody", "wrong").login, Login::refused);
  EXPECT_EQ(log_in(*accounts, "nobody", "wrong").login, Login::delayed);
  pass(kFirstWait);
  EXPECT_EQ(log_in(*accounts, "nobody", "wrong").login, Login::delayed) << "twice as long now";
}

TEST_F(AccountsTest, an_address_that_tries_many_names_waits) {
  auto accounts = open();
  for (std::uint32_t i = 0; i <= kFreeFailuresOfAddress; ++i)
    EXPECT_EQ(log_in(*accounts, "user" + std::to_string(i), "wrong", kAttacker).login, Login::refused);
  EXPECT_EQ(log_in(*accounts, "another", "wrong", kAttacker).login, Login::delayed);
  EXPECT_EQ(log_in(*accounts, "another", "wrong", kHome).login, Login::refused);
}

TEST_F(AccountsTest, a_trusted_network_is_many_people) {
  options_.login_trusted_networks = {Network::of(kAttacker, 32)};
  auto accounts = open();
  for (std::uint32_t i = 0; i <= 2 * kFreeFailuresOfAddress; ++i)
    EXPECT_EQ(log_in(*accounts, "user" + std::to_string(i), "wrong", kAttacker).login, Login::refused);
}

// ---- tokens

constexpr std::string_view kSecret = "a shared secret of thirty-two bytes";

std::string url_base64(std::string_view bytes) {
  std::string text = mail::base64(bytes);
  while (text.ends_with('=')) text.pop_back();
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return text;
}
std::string token_of(std::string_view claims, std::string_view header = R"({"alg":"HS256"})") {
  const std::string text = url_base64(header) + "." + url_base64(claims);
  return text + "." + url_base64(crypto::as_text(crypto::hmac_sha256(kSecret, text)));
}

class TokenTest : public AccountsTest {
 protected:
  void SetUp() override {
    AccountsTest::SetUp();
    options_.token_key = write("key", std::string(kSecret) + "\n");
    options_.token_issuer = "https://login.example";
    options_.token_audience = "mail";
  }
  std::string claims(std::string_view name = "anna@example.com", std::string_view more = R"("aud":"mail")") {
    return R"({"iss":"https://login.example","email":")" + std::string(name) + R"(","exp":)" +
           std::to_string(core().wall_now().seconds() + 60) + "," + std::string(more) + "}";
  }
};

TEST_F(TokenTest, a_token_logs_in_whom_it_names) {
  auto accounts = open();
  ASSERT_TRUE(accounts->add_user("anna@example.com", "secret"));
  EXPECT_TRUE(accounts->mechanisms(false).has(sasl::Mechanism::oauthbearer));
  const LoginAnswer answer = log_in_by_token(*accounts, token_of(claims()));
  EXPECT_EQ(answer.login, Login::accepted);
  EXPECT_EQ(answer.name, "anna@example.com");
  EXPECT_EQ(log_in_by_token(*accounts, token_of(claims()), "Anna@example.com").login, Login::accepted);
  EXPECT_EQ(log_in_by_token(*accounts, token_of(claims()), "bea@example.com").login, Login::refused);
  EXPECT_EQ(log_in_by_token(*accounts, token_of(claims("bea@example.com"))).login, Login::refused);
  EXPECT_EQ(log_in_by_token(*accounts, token_of(claims("anna@example.com", R"("aud":["x","mail"])"))).login,
            Login::accepted);
}

TEST_F(TokenTest, every_rule_is_kept) {
  auto accounts = open();
  ASSERT_TRUE(accounts->add_user("anna@example.com", "secret"));
  const std::int64_t now = core().wall_now().seconds();
  const auto with = [](std::string_view rest) {
    return R"({"iss":"https://login.example","aud":"mail","email":"anna@example.com",)" + std::string(rest) +
           "}";
  };
  const std::string good = token_of(claims());
  const std::vector<std::string> bad{
      "",
      "x.y.z",
      good + ".x",
      good.substr(0, good.size() - 2),
      good.substr(0, good.rfind('.') + 1),
      token_of(claims(), R"({"alg":"none"})"),
      token_of(claims(), R"({"alg":"RS256"})"),
      token_of(claims(), R"({"alg":"HS256","crit":["x"]})"),
      token_of(claims(), "{"),
      token_of("[]"),
      token_of(claims("")),
      token_of(claims("anna@example.com", R"("aud":"others")")),
      token_of(claims("anna@example.com", R"("aud":["others"])")),
      token_of(claims("anna@example.com", R"("x":1)")),
      token_of(with(R"("x":1)")),
      token_of(with(R"("exp":"soon")")),
      token_of(with("\"exp\":" + std::to_string(now - 120))),
      token_of(with("\"exp\":" + std::to_string(now + 60) + ",\"nbf\":" + std::to_string(now + 120))),
      token_of(R"({"iss":"https://other.example","aud":"mail","email":"anna@example.com","exp":)" +
               std::to_string(now + 60) + "}"),
  };
  for (const std::string& token : bad) {
    machine_.reset();  // failures of before are another core's
    accounts.reset();
    accounts = open();
    EXPECT_EQ(log_in_by_token(*accounts, token).login, Login::refused) << token;
  }
  EXPECT_EQ(log_in_by_token(*accounts, token_of(with("\"exp\":" + std::to_string(now - 10)))).login,
            Login::accepted)
      << "clocks differ";
}

TEST_F(TokenTest, a_key_that_is_none_is_an_error_at_the_start) {
  options_.token_key = write("key", "short\n");
  const auto refused = Accounts::open(options_);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text.find("accounts.token_key"), std::string::npos);
  options_.token_key = folder_ + "/missing";
  EXPECT_FALSE(Accounts::open(options_));
}

TEST_F(AccountsTest, tokens_are_refused_where_nobody_can_check_them) {
  auto accounts = open();
  EXPECT_FALSE(accounts->mechanisms(true).has(sasl::Mechanism::oauthbearer));
  EXPECT_EQ(log_in_by_token(*accounts, "x.y.z").login, Login::refused);
}

class Away final : public Introspection {
 public:
  Task<Result<Answer>> ask(shard::Core&, sasl::Secret) override {
    co_return fail(ErrorKind::temporary, "nobody answers");
  }
};

TEST_F(AccountsTest, a_token_that_nobody_can_check_now_is_no_failure) {
  auto accounts = open();
  accounts->set_introspection(std::make_unique<Away>());
  EXPECT_TRUE(accounts->mechanisms(false).has(sasl::Mechanism::oauthbearer));
  for (std::uint32_t i = 0; i < 2 * kFreeFailuresOfAddress; ++i)
    EXPECT_EQ(log_in_by_token(*accounts, "x").login, Login::unavailable);
  EXPECT_EQ(log_in_by_token(*accounts, "x").why, "nobody answers");
}

// ---- passwords that were right a while ago

class RightAgain : public AccountsTest {
 protected:
  // Logs in, and says how often something was hashed for it.
  std::uint64_t hashed(Accounts& accounts, std::string_view password, Login expected) {
    const std::uint64_t before = offloaded();
    EXPECT_EQ(log_in(accounts, "anna", password).login, expected);
    return offloaded() - before;
  }
  std::uint64_t offloaded() {
    for (const auto& entry : core().figures().entries())
      if (entry.name == "core_offloaded") return entry.counter->value();
    return 0;
  }
};

TEST_F(RightAgain, a_password_that_was_right_is_not_hashed_again_for_a_while) {
  auto accounts = open();
  ASSERT_TRUE(accounts->add_user("anna", "secret"));
  EXPECT_EQ(hashed(*accounts, "secret", Login::accepted), 1U);
  EXPECT_EQ(hashed(*accounts, "secret", Login::accepted), 0U);
  EXPECT_EQ(hashed(*accounts, "Secret", Login::refused), 1U);
  EXPECT_EQ(hashed(*accounts, "Secret", Login::refused), 1U) << "a wrong one always is";
  pass(kPasswordKept);
  EXPECT_EQ(hashed(*accounts, "secret", Login::accepted), 1U);
}

TEST_F(RightAgain, whatever_happens_to_accounts_ends_it) {
  auto accounts = open();
  ASSERT_TRUE(accounts->add_user("anna", "secret"));
  EXPECT_EQ(hashed(*accounts, "secret", Login::accepted), 1U);
  ASSERT_TRUE(accounts->set_password("anna", "other"));
  EXPECT_EQ(hashed(*accounts, "secret", Login::refused), 1U);
  EXPECT_EQ(hashed(*accounts, "other", Login::accepted), 1U);
  EXPECT_EQ(hashed(*accounts, "other", Login::accepted), 0U);
  ASSERT_TRUE(accounts->add_user("bea", "secret"));
  EXPECT_EQ(hashed(*accounts, "other", Login::accepted), 1U);
  ASSERT_TRUE(accounts->delete_user("anna"));
  EXPECT_EQ(hashed(*accounts, "other", Login::refused), 1U);
}

TEST_F(RightAgain, the_use_of_an_application_password_is_noted_all_the_same) {
  auto accounts = open();
  ASSERT_TRUE(accounts->add_user("anna", "secret"));
  const std::string phone = accounts->add_app_password("anna", "phone", 0).value();
  EXPECT_EQ(hashed(*accounts, phone, Login::accepted), 2U) << "hashed, and noted";
  EXPECT_EQ(hashed(*accounts, phone, Login::accepted), 0U);
  EXPECT_EQ(accounts->list_app_passwords("anna")->front().last_used, core().wall_now().seconds());
}

// ---- PAM, with services of our own

TEST_F(AccountsTest, users_of_the_system_are_pams_affair) {
  const std::string people = folder_ + "/pam";
  std::filesystem::create_directory(people);
  options_.userdb = {"system"};
  options_.passdb = {"pam"};
  options_.system_uid_min = 1;
  options_.pam_folder = people;
  std::ofstream(people + "/ringpost") << "auth required pam_permit.so\naccount required pam_permit.so\n";
  auto accounts = open();
  const std::string name = accounts->list_users().value().front().name;
  EXPECT_EQ(log_in(*accounts, name, "any").login, Login::accepted);
  EXPECT_EQ(log_in(*accounts, "root", "any").login, Login::refused) << "below system_uid_min";
  EXPECT_EQ(log_in(*accounts, "nobody-at-all", "any").login, Login::refused);
  EXPECT_FALSE(accounts->mechanisms(true).has(sasl::Mechanism::scram_sha_256)) << "PAM wants the password";
  std::ofstream(people + "/ringpost") << "auth required pam_deny.so\naccount required pam_permit.so\n";
  EXPECT_EQ(log_in(*accounts, name, "any").login, Login::refused);
  std::ofstream(people + "/ringpost") << "auth required pam_permit.so\naccount required pam_deny.so\n";
  EXPECT_EQ(log_in(*accounts, name, "any").login, Login::refused) << "an account that may not log in";
  std::ofstream(people + "/ringpost")
      << "auth required pam_no_such_module.so\naccount required pam_permit.so\n";
  EXPECT_NE(log_in(*accounts, name, "any").login, Login::accepted);
}

// ---- whose an address is

TEST_F(AccountsTest, an_address_is_its_accounts_and_its_aliases) {
  auto accounts = open();
  for (const char* name : {"anna@example.com", "bea", "carl@example.com"})
    ASSERT_TRUE(accounts->add_user(name, "secret"));
  ASSERT_TRUE(accounts->add_alias("team@example.com", {"list@example.com", "carl@example.com"}));
  ASSERT_TRUE(accounts->add_alias("list@example.com", {"anna@example.com", "team@example.com"}));
  ASSERT_TRUE(accounts->add_alias("@example.com", {"bea"}));
  const auto directory = accounts->directory();
  const auto owns = [&](std::string_view login, std::string_view local, std::string_view domain) {
    return owns_address(*directory, login, local, domain);
  };
  EXPECT_TRUE(owns("anna@example.com", "Anna", "example.com"));
  EXPECT_FALSE(owns("anna@example.com", "carl", "example.com"));
  EXPECT_FALSE(owns("anna@example.com", "anna", "example.org"));
  EXPECT_TRUE(owns("anna@example.com", "list", "example.com"));
  EXPECT_TRUE(owns("anna@example.com", "team", "example.com")) << "an alias of an alias";
  EXPECT_TRUE(owns("carl@example.com", "team", "example.com"));
  EXPECT_TRUE(owns("bea", "bea", "example.com"));
  EXPECT_TRUE(owns("bea", "anything", "example.com")) << "the rest of the domain";
  EXPECT_FALSE(owns("bea", "anna", "example.com")) << "but not what is somebody's";
  EXPECT_FALSE(owns("bea", "list", "example.com"));
}

}  // namespace
}  // namespace ringpost::accounts
