#include "ringpost/base/task.hpp"

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "ringpost/base/result.hpp"

namespace ringpost {
namespace {

struct Place {
  FramePool frames;
  friend FramePool& frame_pool(Place& place) { return place.frames; }
};

Task<int> three(Place&) {
  co_return 3;
}
Task<int> sum(Place& place) {
  co_return co_await three(place) + co_await three(place);
}

TEST(Task, awaits_and_returns_values_with_frames_from_the_pool) {
  Place place;
  {
    auto task = sum(place);
    EXPECT_GT(place.frames.live_bytes(), 0U);
    task.handle().resume();
    ASSERT_TRUE(task.done());
    EXPECT_EQ(task.handle().promise().take(), 6);
  }
  EXPECT_EQ(place.frames.live_bytes(), 0U);
}

Task<Result<std::unique_ptr<int>>> maybe(bool works) {
  if (!works) co_return fail(ErrorKind::temporary, "later");
  co_return std::make_unique<int>(4);
}
Task<Result<int>> unwrap(bool works) {
  auto value = RP_CO_TRY(co_await maybe(works));
  co_return *value;
}

TEST(Task, try_gives_the_value_or_returns_the_error) {
  auto good = unwrap(true);
  good.handle().resume();
  EXPECT_EQ(good.handle().promise().take().value(), 4);
  auto bad = unwrap(false);
  bad.handle().resume();
  EXPECT_EQ(bad.handle().promise().take().error().text, "later");
}

Task<void> deep(Place& place, int levels) {
  if (levels > 0) co_await deep(place, levels - 1);
}

TEST(Task, a_deep_chain_uses_no_stack) {
  Place place;
  auto task = deep(place, 10'000);
  task.handle().resume();
  EXPECT_TRUE(task.done());
}

TEST(Task, destroying_a_suspended_task_frees_the_whole_chain) {
  Place place;
  {
    auto task = sum(place);
  }
  EXPECT_EQ(place.frames.live_bytes(), 0U);
}

}  // namespace
}  // namespace ringpost
