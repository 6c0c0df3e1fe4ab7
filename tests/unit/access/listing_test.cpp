// What a reader is told of the names of somebody's mailboxes.
#include "access/listing.hpp"

#include "unit/store/store_fixture.hpp"

namespace ringpost::access {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::string kOwner = "bert@example.org";
const std::string kReader = "anna@example.org";

class ListingTest : public store::testing::StoreTest {
 protected:
  store::UserMail& owner() { return at.user(kOwner); }
  void made(std::string_view name, store::Rights rights = store::Right::lookup) {
    const auto mailbox = run(owner().create(name));
    ASSERT_TRUE(mailbox);
    ASSERT_TRUE(run(owner().set_access(*mailbox, kReader, rights)));
  }
  VisibleNames::Page page(
      std::string_view after = {}, std::size_t bytes = 1'000'000,
      const VisibleNames::Wanted& wanted = [](std::string_view) { return true; },
      std::string_view reader = kReader) {
    const MailboxPath whose{.owner = kOwner, .name = {}, .others = reader != kOwner};
    return VisibleNames(owner(), reader).page(whose, after, wanted, bytes);
  }
  static std::vector<std::string> names(const VisibleNames::Page& page) {
    std::vector<std::string> names;
    for (const ListedName& each : page.names) names.push_back(each.name);
    return names;
  }
};

TEST_F(ListingTest, levels_above_what_may_be_seen_are_there_and_are_no_mailboxes) {
  made("Work", store::Right::read);
  made("Work/a", {});
  made("Work/a/b", store::Right::lookup | store::Right::read);
  made("Work/z", store::Right::write);
  const auto told = page();
  ASSERT_THAT(names(told), ElementsAre("Work", "Work/a", "Work/a/b"));
  for (const std::size_t level : {0U, 1U}) {
    EXPECT_FALSE(told.names[level].is_mailbox);
    EXPECT_TRUE(told.names[level].has_children);
  }
  EXPECT_TRUE(told.names[2].is_mailbox);
  EXPECT_FALSE(told.names[2].has_children);
  EXPECT_EQ(told.names[2].rights, store::Right::lookup | store::Right::read);
  EXPECT_FALSE(told.more);
}

TEST_F(ListingTest, the_owner_sees_all_and_what_he_uses_them_for) {
  ASSERT_TRUE(run(owner().create("Sent", store::SpecialUse::sent)));
  made("Shared");
  const auto all = page({}, 1'000'000, [](std::string_view) { return true; }, kOwner);
  EXPECT_THAT(names(all), ElementsAre("INBOX", "Sent", "Shared"));
  EXPECT_EQ(all.names[1].special_use, store::SpecialUse::sent);
  EXPECT_EQ(all.names[1].rights, store::Rights::all());
  ASSERT_TRUE(run(owner().set_access(owner().find("Sent")->id(), kReader, store::Right::lookup)));
  EXPECT_EQ(page().names[0].special_use, store::SpecialUse::none) << "that is the owner's";
}

TEST_F(ListingTest, nothing_may_be_seen_of_who_shares_nothing) {
  made("Work", {});
  EXPECT_FALSE(page().any);
  EXPECT_THAT(names(page()), IsEmpty());
  made("Seen");
  EXPECT_TRUE(page({}, 1000, [](std::string_view) { return false; }).any) << "wanted or not";
}

TEST_F(ListingTest, names_are_wanted_as_the_reader_says_them) {
  made("Work");
  made("Play");
  const auto told =
      page({}, 1'000'000, [](std::string_view name) { return name == "Other Users/" + kOwner + "/Work"; });
  EXPECT_THAT(names(told), ElementsAre("Work"));
}

TEST_F(ListingTest, goes_on_where_the_page_before_ended) {
  std::vector<std::string> all;
  for (int i = 0; i < 40; ++i) all.push_back("box" + std::to_string(100 + i) + std::string(400, 'x'));
  for (const std::string& name : all) made(name);
  std::vector<std::string> told;
  std::size_t pages = 0;
  for (VisibleNames::Page next = page({}, 4000);; next = page(next.last, 4000), ++pages) {
    EXPECT_LE(next.names.size(), 10U);
    for (const std::string& name : names(next)) told.push_back(name);
    if (!next.more) break;
  }
  EXPECT_EQ(told, all);
  EXPECT_GE(pages, 4U);
  EXPECT_EQ(page({}, 1).names.size(), 1U) << "one at least";
}

TEST_F(ListingTest, a_name_is_found_with_what_is_below_it) {
  made("a/b");
  const VisibleNames visible(owner(), kOwner);
  ASSERT_TRUE(visible.find("a"));
  EXPECT_TRUE(visible.find("a")->has_children);
  EXPECT_FALSE(visible.find("a/b")->has_children);
  EXPECT_FALSE(visible.find("b"));
}

}  // namespace
}  // namespace ringpost::access
