#include "ringpost/spool/survey.hpp"

#include <algorithm>

#include "unit/spool/spool_fixture.hpp"

namespace ringpost::spool::testing {
namespace {

struct Seen {
  std::vector<MessageId> ids, unreadable;
  std::vector<std::string> senders;
  std::vector<std::size_t> passes;  // how many had been seen at the end of each
};

Task<void> look(Spool& spool, Survey::Wanted wanted, MessageId after, std::size_t pass, Seen& seen,
                std::function<void(MessageId)> meanwhile) {
  Survey all(spool, std::move(wanted), after, pass);
  for (auto some = co_await all.next(); !some.empty(); some = co_await all.next()) {
    for (const auto& [id, loaded] : some) {
      seen.ids.push_back(id);
      if (loaded)
        seen.senders.emplace_back(loaded->envelope.reverse_path());
      else
        seen.unreadable.push_back(id);
      if (meanwhile) meanwhile(id);
    }
    if (all.pass_ended()) seen.passes.push_back(seen.ids.size());
  }
}

class SurveyTest : public SpoolTest {
 protected:
  std::vector<MessageId> accept(std::size_t count, std::size_t size = 300) {
    std::vector<MessageId> ids;
    for (std::size_t i = 0; i < count; ++i)
      ids.push_back(at->accept(std::string(size, 's'), {.sender = "s" + std::to_string(i) + "@example.org"}));
    return ids;
  }
  Seen survey(Survey::Wanted wanted = {}, MessageId after = {}, std::size_t pass = 1000,
              std::function<void(MessageId)> meanwhile = {}) {
    Seen seen;
    EXPECT_TRUE(machine->run(look(*at->spool, std::move(wanted), after, pass, seen, std::move(meanwhile))));
    return seen;
  }
};

TEST_P(SurveyTest, shows_all_in_the_order_of_ids_hot_or_cold) {
  at->open();
  const auto ids = accept(300, 6000);  // more than the buffers keep
  for (const bool again : {false, true}) {
    if (again) at->reopen();
    const Seen seen = survey();
    EXPECT_EQ(seen.ids, ids);
    EXPECT_TRUE(seen.unreadable.empty());
    EXPECT_EQ(seen.senders.front(), "s0@example.org");
    EXPECT_EQ(seen.senders.back(), "s299@example.org");
  }
}

TEST_P(SurveyTest, divides_a_queue_into_passes) {
  at->open();
  const auto ids = accept(200);
  const Seen seen = survey({}, {}, 10);
  EXPECT_EQ(seen.ids, ids);
  EXPECT_EQ(seen.passes, (std::vector<std::size_t>{10, 50, 200}));  // 10, 40, 160
}

TEST_P(SurveyTest, shows_what_is_wanted_behind_a_place) {
  at->open();
  const auto ids = accept(40);
  const Seen seen = survey([&](MessageId id) { return id.sequence() % 2 == 0; }, ids[19]);
  EXPECT_EQ(seen.ids.size(), 10U);
  EXPECT_TRUE(
      std::ranges::all_of(seen.ids, [&](MessageId id) { return id > ids[19] && id.sequence() % 2 == 0; }));
}

TEST_P(SurveyTest, shows_nobody_who_has_ended_and_survives_that_they_end) {
  at->open();
  const auto ids = accept(300);
  Seen seen = survey({}, {}, 64, [&](MessageId id) {
    at->record(id, 0, RecipientState::delivered);
    const MessageId other{id.value + 150};
    if (at->spool->contains(other)) at->record(other, 0, RecipientState::delivered);
  });
  std::ranges::sort(seen.ids);
  EXPECT_TRUE(std::ranges::unique(seen.ids).empty());
  for (std::size_t i = 0; i < 64; ++i) EXPECT_TRUE(std::ranges::binary_search(seen.ids, ids[i])) << i;
  EXPECT_LT(seen.ids.size(), 300U);
  EXPECT_TRUE(seen.unreadable.empty());
  EXPECT_EQ(at->spool->message_count(), 0U);
}

TEST_P(SurveyTest, reads_those_in_memory_and_those_in_pieces) {
  at->open();
  const MessageId held =
      at->accept("held", {.sender = "held@example.org", .level = mail::Durability::memory});
  const MessageId large =
      at->accept(std::string(1'500'000, 'p'), {.sender = "large@example.org", .in_pieces = true});
  const auto others = accept(3);
  Seen seen = survey();
  EXPECT_EQ(seen.ids.size(), 5U);
  EXPECT_TRUE(std::ranges::count(seen.ids, held) == 1 && std::ranges::count(seen.ids, large) == 1);
  EXPECT_TRUE(std::ranges::count(seen.senders, "held@example.org") == 1);
  EXPECT_TRUE(std::ranges::count(seen.senders, "large@example.org") == 1);
}

TEST_P(SurveyTest, shows_an_empty_queue) {
  at->open();
  EXPECT_TRUE(survey().ids.empty());
}

INSTANTIATE_TEST_SUITE_P(Backends, SurveyTest, ::testing::Values("sim", "auto", "epoll"),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace ringpost::spool::testing
