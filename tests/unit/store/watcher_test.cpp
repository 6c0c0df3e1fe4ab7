// Who watches a user hears of each thing once, when it is durable.
#include "unit/store/store_fixture.hpp"

namespace ringpost::store::testing {
namespace {

class Diary final : public Watcher {
 public:
  void happened(const Happened& event) override {
    constexpr std::array<const char*, 8> kWhat{"added",   "gone",    "flags",      "made",
                                               "deleted", "renamed", "subscribed", "noted"};
    std::string line = kWhat[static_cast<std::size_t>(event.what)];
    line.append(" ").append(event.name);
    if (!event.old_name.empty()) line.append(" was ").append(event.old_name);
    if (!event.entry.empty()) line.append(" ").append(event.entry);
    if (event.messages != 0) line.append(" ").append(std::to_string(event.messages));
    lines.push_back(line);
  }
  std::vector<std::string> take() { return std::exchange(lines, {}); }
  std::vector<std::string> lines;
};

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST_F(StoreTest, tells_who_watches) {
  Diary diary;
  std::optional<Watch> watch(std::in_place, at.user(), diary);
  const MailboxId made = make("a/b");
  EXPECT_THAT(diary.take(), ElementsAre("made a", "made a/b"));
  at.append("one");
  at.append("two", made);
  EXPECT_THAT(diary.take(), ElementsAre("added INBOX 1", "added a/b 1"));
  ASSERT_TRUE(run(at.user().change_flags(kInbox, uids({1}), {.flags = Flags::deleted})));
  ASSERT_TRUE(run(at.user().copy(kInbox, uids({1}), made)));
  ASSERT_TRUE(run(at.user().expunge(kInbox, uids({1}))));
  EXPECT_THAT(diary.take(), ElementsAre("flags INBOX", "added a/b 1", "gone INBOX 1"));
  ASSERT_TRUE(run(at.user().rename(at.user().find("a")->id(), "c")));
  EXPECT_THAT(diary.take(), ElementsAre("renamed c was a"));
  ASSERT_TRUE(run(at.user().subscribe("c", true)));
  ASSERT_TRUE(run(at.user().remove(made)));
  EXPECT_THAT(diary.take(), ElementsAre("subscribed c", "deleted c/b"));
  const std::vector<Annotation> entries{{"/private/comment", "x"}};
  ASSERT_TRUE(run(at.user().annotate(kInbox, entries)));
  EXPECT_THAT(diary.take(), ElementsAre("noted INBOX /private/comment"));
  watch.reset();
  at.append("three");
  EXPECT_THAT(diary.take(), IsEmpty());
}

TEST_F(StoreTest, tells_nothing_of_what_failed) {
  at.user();
  Diary diary;
  const Watch watch(at.user(), diary);
  bool broken = false;
  machine.backend().on_write = fail_next_frame(broken, false);
  EXPECT_FALSE(at.try_append({{.text = "never"}}));
  EXPECT_THAT(diary.take(), IsEmpty());
  machine.backend().on_write = nullptr;
}

}  // namespace
}  // namespace ringpost::store::testing
