#include "ringpost/accounts/accounts.hpp"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "accounts/password.hpp"

namespace ringpost::accounts {
namespace {

class AccountsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "accountsXXXXXX";
    folder_ = mkdtemp(pattern.data());
    options_.database = folder_ + "/accounts.db";
    options_.userdb = {"sqlite"};
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::unique_ptr<Accounts> open() { return Accounts::open(options_).value(); }
  std::string folder_;
  AccountsOptions options_;
};

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
  EXPECT_FALSE(accounts->add_user("anna", ""));
}

TEST_F(AccountsTest, reads_a_passwd_file_and_names_its_bad_line) {
  options_.userdb = {"passwd_file"};
  options_.passwd_file = folder_ + "/passwd";
  std::ofstream(options_.passwd_file.text)
      << "# people\nanna:{CRYPT}" << hash_password("secret").value() << ":1000:1000::/home/anna\n";
  EXPECT_EQ(open()->directory()->find("anna", "")->uid, 1000U);
  std::ofstream(options_.passwd_file.text) << "# people\nanna\n";
  const auto bad = Accounts::open(options_);
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().text.find("passwd:2:"), std::string::npos) << bad.error().text;
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
}

}  // namespace
}  // namespace ringpost::accounts
