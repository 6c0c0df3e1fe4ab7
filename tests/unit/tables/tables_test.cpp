#include "ringpost/tables/tables.hpp"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ringpost/tables/sqlite.hpp"

namespace ringpost::tables {
namespace {

class TablesTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "tablesXXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string path() const { return folder_ + "/facts.db"; }
  std::string folder_;
};

TEST_F(TablesTest, keeps_facts_over_a_restart) {
  {
    auto tables = Tables::open(path()).value();
    ASSERT_TRUE(tables->put("directives", "1", "suspend example.com"));
    ASSERT_TRUE(tables->put("directives", "1", "suspend example.org"));
    ASSERT_TRUE(tables->put("other", "1", "x"));
  }
  auto tables = Tables::open(path()).value();
  EXPECT_EQ(tables->get("directives", "1").value(), "suspend example.org");
  EXPECT_EQ(tables->rows("directives").value().size(), 1U);
  ASSERT_TRUE(tables->erase("directives", "1"));
  EXPECT_EQ(tables->get("directives", "1").value(), std::nullopt);
}

TEST_F(TablesTest, keeps_any_bytes_of_text) {
  auto tables = Tables::open(path()).value();
  const std::string odd("a'b\0c;--", 8);
  ASSERT_TRUE(tables->put("t", odd, odd));
  EXPECT_EQ(tables->get("t", odd).value(), odd);
}

TEST_F(TablesTest, the_file_is_for_its_owner_alone) {
  auto tables = Tables::open(path()).value();
  struct stat status{};
  ASSERT_EQ(stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
}

TEST_F(TablesTest, a_damaged_file_is_an_error_that_says_how_to_mend_it) {
  std::ofstream(path()) << "this is no database, and it is long enough to be looked at as one............";
  const auto tables = Tables::open(path());
  ASSERT_FALSE(tables);
  EXPECT_NE(tables.error().text.find(path()), std::string::npos);
  EXPECT_NE(tables.error().text.find(".recover"), std::string::npos) << tables.error().text;
}

// A foreign key that is looked at as late as possible makes just the commit fail; a disk may do so too.
TEST_F(TablesTest, a_commit_that_fails_is_over_and_the_next_transaction_begins) {
  auto database = Database::open(path(),
                                 "CREATE TABLE a (id INTEGER PRIMARY KEY);"
                                 "CREATE TABLE b (a INTEGER REFERENCES a (id) DEFERRABLE INITIALLY DEFERRED)")
                      .value();
  {
    auto transaction = Transaction::begin(*database);
    ASSERT_TRUE(transaction);
    ASSERT_TRUE(database->execute("INSERT INTO b VALUES (7)"));
    EXPECT_FALSE(transaction->commit());
  }
  auto next = Transaction::begin(*database);
  ASSERT_TRUE(next) << next.error().text;
  ASSERT_TRUE(database->execute("INSERT INTO a VALUES (1)"));
  EXPECT_TRUE(next->commit());
  auto left = database->prepare("SELECT count(*) FROM b");
  ASSERT_TRUE(left->step());
  EXPECT_EQ(left->number(0), 0);
}

TEST_F(TablesTest, a_folder_that_is_not_there_is_an_error) {
  EXPECT_FALSE(Tables::open(folder_ + "/none/facts.db"));
}

}  // namespace
}  // namespace ringpost::tables
