#include "ringpost/accounts/accounts.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "ringpost/accounts/limits.hpp"
#include "ringpost/tables/sqlite.hpp"

#include "accounts/password.hpp"
#include "unit/accounts/world.hpp"

namespace ringpost::accounts {
namespace {

TEST_F(AccountsTest, finds_by_address_first_and_then_by_local_part) {
  auto accounts = open();
  ASSERT_TRUE(accounts->add_user("anna", "secret"));
  ASSERT_TRUE(accounts->add_user("anna@example.org", "other"));
  const auto directory = accounts->directory();
  EXPECT_EQ(directory->find("Anna", "example.com")->name, "anna");
  EXPECT_EQ(directory->find("ANNA", "Example.org")->name, "anna@example.org");
  EXPECT_EQ(directory->find("bert", "example.com"), nullptr);
}

TEST_F(AccountsTest, accounts_and_aliases_survive_a_restart) {
  {
    auto accounts = open();
    ASSERT_TRUE(accounts->add_user("anna", "secret"));
    ASSERT_TRUE(accounts->add_alias("team@example.com", {"anna", "bert@example.org"}));
  }
  auto accounts = open();
  EXPECT_NE(accounts->directory()->find("anna", "x.example"), nullptr);
  ASSERT_NE(accounts->directory()->alias("Team", "example.com"), nullptr);
  EXPECT_EQ(accounts->directory()->alias("team", "example.com")->size(), 2U);
  EXPECT_EQ(accounts->directory()->alias("team", "example.org"), nullptr);
  EXPECT_EQ(accounts->list_aliases().value().front().targets.back(), "bert@example.org");
}

TEST_F(AccountsTest, a_name_is_given_once_and_the_error_says_what_to_do) {
  auto accounts = open();
  ASSERT_TRUE(accounts->add_user("anna", "secret"));
  const auto again = accounts->add_user("ANNA", "secret");
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().text.find("ringpost user passwd"), std::string::npos);
}

TEST_F(AccountsTest, what_is_not_there_cannot_be_changed_or_deleted) {
  auto accounts = open();
  EXPECT_FALSE(accounts->set_password("anna", "x"));
  EXPECT_FALSE(accounts->delete_user("anna"));
  EXPECT_FALSE(accounts->delete_alias("anna"));
  EXPECT_FALSE(accounts->add_alias("a", {}));
  EXPECT_FALSE(accounts->add_alias("a", {"not an address"}));
  for (const char* name : {"", "an na", "a:b", "../x", "a\nb"})
    EXPECT_FALSE(accounts->add_user(name, "x")) << name;
  EXPECT_FALSE(accounts->add_user("@example.com", "x"));
  for (const char* everybody : {"anyone", "Anyone"}) EXPECT_FALSE(accounts->add_user(everybody, "x"));
  EXPECT_FALSE(accounts->add_user("anna", ""));
  EXPECT_FALSE(accounts->set_quota("anna", 1));
  EXPECT_FALSE(accounts->add_app_password("anna", "phone", 0));
  EXPECT_FALSE(accounts->delete_app_password("anna", "phone"));
  EXPECT_FALSE(accounts->list_app_passwords("anna"));
}

TEST_F(AccountsTest, a_catch_all_is_an_alias_for_what_nobody_has) {
  auto accounts = open();
  ASSERT_TRUE(accounts->add_alias("@Example.com", {"anna"}));
  const auto directory = accounts->directory();
  EXPECT_EQ(directory->alias("any", "example.com"), nullptr) << "only who finds nothing else asks for it";
  ASSERT_NE(directory->catch_all("example.COM"), nullptr);
  EXPECT_EQ(directory->catch_all("example.com")->front(), "anna");
  EXPECT_EQ(directory->catch_all("example.org"), nullptr);
  EXPECT_EQ(directory->catch_all(""), nullptr);
  for (const char* bad : {"@", "@@x", "a@b@c", "", "@exa mple.com"})
    EXPECT_FALSE(accounts->add_alias(bad, {"anna"})) << bad;
  EXPECT_TRUE(accounts->delete_alias("@example.com"));
  EXPECT_EQ(accounts->directory()->catch_all("example.com"), nullptr);
}

TEST_F(AccountsTest, quotas_are_kept_with_the_user) {
  auto accounts = open();
  ASSERT_TRUE(accounts->add_user("anna", "secret", 1'000'000));
  EXPECT_EQ(accounts->directory()->find("anna", "")->quota, 1'000'000U);
  ASSERT_TRUE(accounts->set_quota("Anna", std::nullopt));
  EXPECT_EQ(open()->directory()->find("anna", "")->quota, std::nullopt);
}

TEST_F(AccountsTest, application_passwords_come_and_go_by_label) {
  auto accounts = open();
  ASSERT_TRUE(accounts->add_user("anna", "secret"));
  const std::string phone = accounts->add_app_password("anna", "phone", 1000).value();
  EXPECT_EQ(phone.size(), 23U) << phone;
  EXPECT_FALSE(accounts->add_app_password("anna", "Phone", 1000)) << "there is one";
  EXPECT_FALSE(accounts->add_app_password("anna", "", 1000));
  EXPECT_FALSE(accounts->add_app_password("anna", std::string(kAppLabelSizeMax + 1, 'x'), 1000));
  EXPECT_NE(accounts->add_app_password("anna", "tablet", 2000).value(), phone);
  const auto listed = accounts->list_app_passwords("anna").value();
  ASSERT_EQ(listed.size(), 2U);
  EXPECT_EQ(listed[0].label, "phone");
  EXPECT_EQ(listed[0].created, 1000);
  EXPECT_EQ(listed[0].last_used, std::nullopt);
  EXPECT_EQ(accounts->list_users().value().front().app_passwords, 2U);
  ASSERT_TRUE(accounts->delete_app_password("anna", "phone"));
  EXPECT_FALSE(accounts->delete_app_password("anna", "phone"));
  EXPECT_EQ(accounts->list_app_passwords("anna").value().size(), 1U);
  ASSERT_TRUE(accounts->delete_user("anna"));
  ASSERT_TRUE(accounts->add_user("anna", "secret"));
  EXPECT_TRUE(accounts->list_app_passwords("anna").value().empty()) << "they go with their user";
}

TEST_F(AccountsTest, there_are_only_so_many_application_passwords) {
  auto accounts = open();
  ASSERT_TRUE(accounts->add_user("anna", "secret"));
  for (std::size_t i = 0; i < kAppPasswordsMax; ++i)
    ASSERT_TRUE(accounts->add_app_password("anna", std::to_string(i), 0));
  EXPECT_FALSE(accounts->add_app_password("anna", "one more", 0));
}

TEST_F(AccountsTest, a_database_of_the_first_version_is_brought_up_to_date) {
  const std::string hash = hash_password("secret").value();
  {
    auto old = tables::Database::open(
        options_.database.text,
        "CREATE TABLE users (name TEXT PRIMARY KEY COLLATE NOCASE, hash TEXT NOT NULL,"
        " home TEXT NOT NULL DEFAULT '') WITHOUT ROWID;"
        "CREATE TABLE aliases (address TEXT NOT NULL COLLATE NOCASE, position INTEGER NOT NULL,"
        " target TEXT NOT NULL, PRIMARY KEY (address, position)) WITHOUT ROWID;");
    ASSERT_TRUE(old);
    auto insert = (*old)->prepare("INSERT INTO users (name, hash) VALUES ('anna', ?1)").value();
    ASSERT_TRUE(insert.bind(1, hash).run());
    ASSERT_TRUE((*old)->execute("INSERT INTO aliases VALUES ('team', 0, 'anna')"));
  }
  auto accounts = open();
  EXPECT_NE(accounts->directory()->alias("team", ""), nullptr);
  EXPECT_FALSE(accounts->list_users().value().front().scram);
  EXPECT_FALSE(accounts->mechanisms(true).has(sasl::Mechanism::scram_sha_256)) << "anna has no keys yet";
  EXPECT_EQ(log_in(*accounts, "anna", "secret").login, Login::accepted);
  accounts = open();
  EXPECT_TRUE(accounts->list_users().value().front().scram) << "made when the password came by";
  EXPECT_TRUE(accounts->mechanisms(true).has(sasl::Mechanism::scram_sha_256_plus));
  EXPECT_FALSE(accounts->mechanisms(false).has(sasl::Mechanism::scram_sha_256_plus));
  EXPECT_EQ(log_in(*accounts, "anna", "secret").login, Login::accepted);
}

TEST_F(AccountsTest, a_database_of_a_later_version_is_left_alone) {
  open();
  {
    auto later = tables::Database::open(options_.database.text, "").value();
    ASSERT_TRUE(later->execute("PRAGMA user_version = 99"));
  }
  const auto refused = Accounts::open(options_);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text.find("newer Ringpost"), std::string::npos);
}

TEST_F(AccountsTest, reads_a_passwd_file_and_names_its_bad_line) {
  options_.userdb = {"passwd_file"};
  const std::string hash = hash_password("secret").value();
  options_.passwd_file = write("passwd", "# people\nanna:{CRYPT}" + hash +
                                             ":1000:1000::/home/anna::userdb_quota_rule=*:storage=2G "
                                             "userdb_mail=maildir:/x nologin\nbea:" +
                                             hash + "\n");
  const auto directory = open()->directory();
  EXPECT_EQ(directory->find("anna", "")->uid, 1000U);
  EXPECT_EQ(directory->find("anna", "")->quota, std::uint64_t{2} << 30);
  EXPECT_EQ(directory->find("bea", "")->quota, std::nullopt);
  for (const std::string& bad :
       {std::string("anna"), ":" + hash, std::string("anna:"), std::string("anna:secret"),
        std::string("anna:{PLAIN}secret"), std::string("anna:{SCRAM-SHA-256}4096,x"), "anna:" + hash + ":x",
        "anna:" + hash + ":1:1::/h::allow_nets=192.0.2.0/24",
        "anna:" + hash + ":1:1::/h::userdb_quota_rule=Trash:storage=1G",
        std::string("anna:{ARGON2ID}$argon2id$v=19$m=4194304,t=3,p=1$c2FsdHNhbHQ$x")}) {
    write("passwd", "# people\n" + bad + "\n");
    const auto refused = Accounts::open(options_);
    ASSERT_FALSE(refused) << bad;
    EXPECT_NE(refused.error().text.find("passwd:2:"), std::string::npos) << refused.error().text;
  }
}

TEST(Password, checks_every_common_format) {
  const std::string sha512 =
      "$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq.H91p5hVO1";
  EXPECT_TRUE(check_password("secret", sha512));
  EXPECT_TRUE(check_password("secret", "{SHA512-CRYPT}" + sha512));
  EXPECT_FALSE(check_password("wrong", sha512));
  const std::string hash = hash_password("secret").value();
  EXPECT_TRUE(hash.starts_with("$y$"));
  EXPECT_TRUE(check_password("secret", hash));
  EXPECT_TRUE(check_password("secret", "{CRYPT}" + hash));
  EXPECT_FALSE(check_password("Secret", hash));
  EXPECT_FALSE(check_password("", hash));
  EXPECT_FALSE(check_password("secret", "!" + hash));
  EXPECT_FALSE(check_password("secret", "*"));
  EXPECT_FALSE(check_password("secret", ""));
  EXPECT_FALSE(check_password("nobody has this password", hash_of_nobody()));
  EXPECT_FALSE(check_password(std::string("secret\0x", 8), sha512));
}

TEST(Password, checks_argon2_as_dovecot_writes_it) {
  const std::string hash = hash_password("secret", PasswordHash::argon2id).value();
  EXPECT_TRUE(hash.starts_with("{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$")) << hash;
  EXPECT_TRUE(check_password("secret", hash));
  EXPECT_TRUE(check_password("secret", hash.substr(10)));
  EXPECT_FALSE(check_password("Secret", hash));
  EXPECT_EQ(hash_fault(hash), "");
  const std::string& nobody = hash_of_nobody(PasswordHash::argon2id);
  EXPECT_EQ(hash_fault(nobody), "");
  EXPECT_FALSE(check_password("nobody has this password", nobody));
  // Made by the reference program: echo -n secret | argon2 saltsalt -id -t 2 -k 32 -p 1 -l 32 -e
  const std::string other =
      "$argon2id$v=19$m=32,t=2,p=1$c2FsdHNhbHQ$49XKuMfKu8Iscks5nzBbLsBfjUXOy52TaHKNpEyrtOY";
  EXPECT_TRUE(check_password("secret", "{ARGON2ID}" + other));
  EXPECT_FALSE(check_password("secret", "{ARGON2I}" + other));
}

}  // namespace
}  // namespace ringpost::accounts
