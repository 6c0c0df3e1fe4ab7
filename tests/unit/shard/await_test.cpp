#include "ringpost/shard/await.hpp"

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "unit/shard/fake_backend.hpp"

namespace ringpost::shard {
namespace {

struct AwaitTest : testing::Test {
  FakeCores cores{1};
  Core& core = cores[0];
  FakeBackend& backend = *cores.backends[0];
  int result = 1;

  static Task<void> keep_result(Await& await, int& result) { result = co_await await; }
  io::Operation& in_flight() { return *backend.submitted.at(0).operation; }
  int cancels() const {
    return static_cast<int>(std::ranges::count(backend.submitted, io::OpKind::cancel, &io::Op::kind));
  }
};

TEST_F(AwaitTest, gives_the_result_of_the_completion) {
  Await await(core, {.kind = io::OpKind::send, .handle = {7}}, core.now() + 1s);
  core.spawn(keep_result(await, result));
  cores.turn(0);
  ASSERT_EQ(backend.submitted.size(), 1U);
  EXPECT_EQ(backend.submitted[0].handle, io::Handle{7});
  backend.complete(in_flight(), 42);
  cores.turn(0);
  EXPECT_EQ(result, 42);
  EXPECT_EQ(core.timers().next(), Instant::never());
}

TEST_F(AwaitTest, past_its_deadline_is_cancelled_and_waits_for_the_final_completion) {
  backend.cancels_succeed = false;
  Await await(core, {.kind = io::OpKind::poll}, core.now() + 10ms);
  core.spawn(keep_result(await, result));
  cores.turn(0);
  core.turn(Instant::never());  // to the deadline
  EXPECT_EQ(cancels(), 1);
  EXPECT_EQ(backend.submitted.back().target, &in_flight());
  EXPECT_EQ(result, 1);
  cores.turn(0);
  EXPECT_EQ(core.live_tasks(), 1U);
  backend.complete(in_flight(), -ECANCELED);
  cores.turn(0);
  EXPECT_EQ(result, -ETIME);
}

TEST_F(AwaitTest, a_success_that_meets_the_deadline_stays_a_success) {
  backend.cancels_succeed = false;
  Await await(core, {.kind = io::OpKind::send}, core.now() + 10ms);
  core.spawn(keep_result(await, result));
  cores.turn(0);
  core.turn(Instant::never());
  backend.complete(in_flight(), 99);
  cores.turn(0);
  EXPECT_EQ(result, 99);
}

TEST_F(AwaitTest, cancelling_from_another_flow_says_cancelled_even_past_the_deadline) {
  backend.cancels_succeed = false;
  Await await(core, {.kind = io::OpKind::poll}, core.now() + 10ms);
  core.spawn(keep_result(await, result));
  cores.turn(0);
  await.cancel();
  await.cancel();
  core.turn(Instant::never());
  EXPECT_EQ(cancels(), 1);
  backend.complete(in_flight(), -ECANCELED);
  cores.turn(0);
  EXPECT_EQ(result, -ECANCELED);
  await.cancel();
  cores.turn(0);
  EXPECT_EQ(cancels(), 1);
}

TEST_F(AwaitTest, cancelled_before_it_begins_it_is_never_submitted) {
  Await await(core, {.kind = io::OpKind::poll});
  await.cancel();
  core.spawn(keep_result(await, result));
  cores.turn(0);
  EXPECT_EQ(result, -ECANCELED);
  EXPECT_TRUE(backend.submitted.empty());
}

TEST_F(AwaitTest, an_error_of_its_own_is_passed_on) {
  Await await(core, {.kind = io::OpKind::connect}, core.now() + 1s);
  core.spawn(keep_result(await, result));
  cores.turn(0);
  backend.complete(in_flight(), -ECONNREFUSED);
  cores.turn(0);
  EXPECT_EQ(result, -ECONNREFUSED);
}

Task<void> nap(Sleep& sleep, Core& core, std::string& log) {
  log += co_await sleep ? "slept" : "woken";
  log += fmt::format(" {} ", core.now().since_start / 1ms);
}

TEST(Sleep, sleeps_until_its_deadline) {
  FakeCores cores(1);
  std::string log;
  Sleep sleep(cores[0], 250ms);
  cores[0].spawn(nap(sleep, cores[0], log));
  cores[0].turn(cores[0].now() + 100ms);
  EXPECT_EQ(log, "");
  for (int i = 0; i < 5 && log.empty(); ++i) cores[0].turn(Instant::never());
  EXPECT_EQ(log, "slept 10250 ");
  sleep.cancel();
  cores.turn(0);
  EXPECT_EQ(cores[0].live_tasks(), 0U);
}

TEST(Sleep, is_woken_early_by_cancel_and_does_not_begin_when_cancelled_before) {
  FakeCores cores(1);
  std::string log;
  Sleep sleep(cores[0], 250ms), never_begun(cores[0], 1h);
  cores[0].spawn(nap(sleep, cores[0], log));
  sleep.cancel();
  sleep.cancel();
  EXPECT_EQ(log, "");
  cores.turn(0);
  EXPECT_EQ(log, "woken 10000 ");
  never_begun.cancel();
  cores[0].spawn(nap(never_begun, cores[0], log));
  EXPECT_EQ(log, "woken 10000 woken 10000 ");
  EXPECT_EQ(cores[0].timers().next(), Instant::never());
}

Task<void> wait_for(Signal& signal, Instant deadline, std::string& log, char name) {
  const bool notified = co_await signal.wait(deadline);
  log += name;
  log += notified ? '+' : '-';
}

TEST(Signal, resumes_waiters_in_the_order_in_which_they_came) {
  FakeCores cores(1);
  Signal signal(cores[0]);
  std::string log;
  for (const char name : {'a', 'b', 'c'}) cores[0].spawn(wait_for(signal, Instant::never(), log, name));
  signal.notify_one();
  EXPECT_EQ(log, "");
  cores.turn(0);
  EXPECT_EQ(log, "a+");
  signal.notify_all();
  EXPECT_FALSE(signal.has_waiters());
  cores.turn(0);
  EXPECT_EQ(log, "a+b+c+");
}

TEST(Signal, a_deadline_ends_one_wait_and_leaves_the_others) {
  FakeCores cores(1);
  Signal signal(cores[0]);
  std::string log;
  cores[0].spawn(wait_for(signal, cores[0].now() + 10ms, log, 'a'));
  cores[0].spawn(wait_for(signal, Instant::never(), log, 'b'));
  cores[0].turn(Instant::never());
  EXPECT_EQ(log, "a-");
  EXPECT_TRUE(signal.has_waiters());
  signal.notify_all();
  cores.turn(0);
  EXPECT_EQ(log, "a-b+");
}

TEST(Signal, a_notify_that_meets_the_deadline_wins_and_resumes_once) {
  FakeCores cores(1);
  Signal signal(cores[0]);
  std::string log;
  cores[0].spawn(wait_for(signal, cores[0].now() + 10ms, log, 'a'));
  signal.notify_one();
  cores.backends[0]->clock = cores.backends[0]->clock + 1s;
  cores.turn_all(3);
  EXPECT_EQ(log, "a+");
}

Task<void> keep_offloaded(Core& core, std::string& into) {
  into = co_await offload(core, [] { return std::string("done"); });
  co_await offload(core, [&] { into += " twice"; });
}

TEST(Offload, without_a_pool_the_work_is_done_on_the_core_and_the_coroutine_goes_on_later) {
  FakeCores cores(1);
  std::string into;
  cores[0].spawn(keep_offloaded(cores[0], into));
  EXPECT_EQ(into, "");
  cores.turn(0);
  EXPECT_EQ(into, "done twice");
  EXPECT_EQ(figure(cores[0], "core_offloaded"), 2U);
}

TEST(OffloadDeathTest, an_exception_that_leaves_the_work_ends_the_process) {
  FakeCores cores(1);
  const auto throwing = [](Core& core) -> Task<void> {
    co_await offload(core, [] { throw std::runtime_error("lost"); });
  };
  EXPECT_DEATH(cores[0].spawn(throwing(cores[0])), "");
}

Task<void> ask_index(Core& core, unsigned there, std::vector<unsigned>& answers) {
  answers.push_back(co_await ask(core, there, [](Core& other) { return other.index(); }));
}

TEST(Ask, runs_on_the_other_core_and_comes_back) {
  FakeCores cores(3);
  std::vector<unsigned> answers;
  cores[0].spawn(ask_index(cores[0], 2, answers));
  cores[0].spawn(ask_index(cores[0], 0, answers));
  EXPECT_EQ(answers, std::vector<unsigned>{0});  // itself needs no ring
  cores.turn(2);
  cores.turn(0);
  EXPECT_EQ(answers, (std::vector<unsigned>{0, 2}));
  EXPECT_EQ(cores[0].live_tasks(), 0U);
}

TEST(Ask, a_question_may_have_no_answer_and_an_answer_may_own_memory) {
  FakeCores cores(2);
  std::string log;
  const auto both = [](Core& core, std::string& into) -> Task<void> {
    co_await ask(core, 1, [&into](Core&) { into = "asked"; });
    const auto owned = co_await ask(core, 1, [](Core&) { return std::make_unique<int>(5); });
    into += std::to_string(*owned);
  };
  cores[0].spawn(both(cores[0], log));
  cores.turn_all(4);
  EXPECT_EQ(log, "asked5");
}

TEST(Ask, past_its_credits_waits_and_all_are_answered_in_order) {
  FakeCores cores(2);
  std::vector<unsigned> answers;
  for (std::size_t i = 0; i < kAskCredits + 1; ++i) cores[0].spawn(ask_index(cores[0], 1, answers));
  EXPECT_EQ(figure(cores[0], "core_messages_sent"), kAskCredits);
  cores.turn_all(6);
  EXPECT_EQ(answers.size(), kAskCredits + 1);
  EXPECT_EQ(figure(cores[0], "core_messages_sent"), kAskCredits + 1);
}

TEST(Ask, finds_its_way_through_rings_that_are_full) {
  FakeCores cores(2);
  for (const unsigned from : {0U, 1U})
    while (cores[from].post(1 - from, Message::make([](Core&) {}))) {
    }
  std::vector<unsigned> answers, back;
  for (int i = 0; i < 10; ++i) {
    cores[0].spawn(ask_index(cores[0], 1, answers));
    cores[1].spawn(ask_index(cores[1], 0, back));
  }
  cores.turn_all(30);
  EXPECT_EQ(answers, std::vector<unsigned>(10, 1));
  EXPECT_EQ(back, std::vector<unsigned>(10, 0));
}

}  // namespace
}  // namespace ringpost::shard
