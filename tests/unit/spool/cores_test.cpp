// The number of cores changes between starts: nothing is lost, nothing is in two places, nothing that ended comes back.
#include <set>

#include <fmt/format.h>

#include "ringpost/journal/records.hpp"
#include "ringpost/observe/event_ring.hpp"

#include "spool/records.hpp"
#include "unit/spool/dead_blocks.hpp"
#include "unit/spool/spool_fixture.hpp"

namespace ringpost::spool::testing {
namespace {

class SpoolCores : public ::testing::Test {
 protected:
  SpoolCores() {
    for (unsigned i = 0; i < 4; ++i) {
      machines_.push_back(std::make_unique<Machine>(world_, i));
      stations_.push_back(std::make_unique<Station>(*machines_[i]));
      stations_[i]->options.compact_after = Duration{0};  // adopted mail is moved as soon as may be
    }
    for (const auto& machine : machines_)
      for (const auto& other : machines_)
        if (machine != other) machine->peers.push_back(other.get());
  }
  ~SpoolCores() override { stop(); }

  // As the server shares the shards out that no core owns.
  void start(unsigned cores) {
    running_ = cores;
    auto started = start_spool(machines_[0]->files(), stations_[0]->options);
    ASSERT_TRUE(started) << started.error().text;
    lock_ = started->lock;
    started->foreign_max = foreign_max_;
    for (unsigned i = 0; i < cores; ++i) {
      std::vector<unsigned> adopt;
      for (const unsigned shard : started->shards_on_disk)
        if (shard >= cores && shard % cores == i) adopt.push_back(shard);
      stations_[i]->open_shared(*started, adopt);
    }
    for (unsigned i = 0; i < cores; ++i) stations_[i]->start();
  }
  void stop() {
    for (unsigned i = 0; i < running_; ++i) {
      EXPECT_TRUE(machines_[i]->run(stations_[i]->spool->close()));
      stations_[i]->spool.reset();
    }
    if (running_ != 0) machines_[0]->files().close(lock_);
    running_ = 0;
    for (const auto& machine : machines_) machine->restart();
  }
  void cut() {
    for (unsigned i = 0; i < running_; ++i) Machine::abandon(stations_[i]->spool);
    running_ = 0;
    std::vector<Machine*> all;
    for (const auto& machine : machines_) all.push_back(machine.get());
    Machine::power_cut(all);
  }

  void accept(unsigned count) {
    for (unsigned i = 0; i < running_; ++i)
      for (unsigned n = 0; n < count; ++n) {
        const std::string text =
            std::to_string(expected_.size()) + std::string(n % 7 == 0 ? 90'000 : 300, 't');
        expected_[stations_[i]->accept(text, {.in_pieces = n % 7 == 0})] = text;
      }
  }
  // Ends every third message, wherever it is now.
  void end_some() {
    unsigned n = 0;
    for (unsigned i = 0; i < running_; ++i) {
      for (const MessageId id : stations_[i]->spool->ids({}, 100'000)) {
        if (++n % 3 != 0) continue;
        stations_[i]->record(id, 0, RecipientState::delivered);
        expected_.erase(id);
      }
      ASSERT_TRUE(stations_[i]->flush());
    }
  }
  void let_it_compact() {
    for (unsigned i = 0; i < running_; ++i) {
      const Instant until = machines_[i]->core().now() + std::chrono::seconds{4};
      machines_[i]->turn_until([&] { return machines_[i]->core().now() >= until; });
    }
  }
  void compare() {
    std::set<MessageId> found;
    for (unsigned i = 0; i < running_; ++i) {
      EXPECT_EQ(stations_[i]->spool->recovery().damages, 0U);
      for (const MessageId id : stations_[i]->spool->ids({}, 100'000)) {
        EXPECT_TRUE(found.insert(id).second) << to_string(id) << " is on two cores";
        ASSERT_TRUE(expected_.contains(id)) << to_string(id) << " came back";
        EXPECT_EQ(stations_[i]->body(id).value_or("damaged"), expected_[id]);
        EXPECT_EQ(stations_[i]->recorder.count(id), 1U);
      }
    }
    EXPECT_EQ(found.size(), expected_.size());
  }

  // Those with an envelope of the message, in the order in which they are read.
  std::vector<std::uint32_t> segments_with(MessageId id, const std::string& shard) {
    std::vector<std::uint32_t> found;
    journal::RecoveryReport report;
    EXPECT_TRUE(journal::read_shard(
        machines_[1]->files(), {shard, 1, 0},
        [&](const journal::RecordView& view) {
          if (view.id == id && view.type == static_cast<std::uint8_t>(RecordType::envelope))
            found.push_back(view.where.segment);
        },
        report));
    return found;
  }

  std::shared_ptr<io::SimWorld> world_ = std::make_shared<io::SimWorld>(3);
  std::vector<std::unique_ptr<Machine>> machines_;
  std::vector<std::unique_ptr<Station>> stations_;
  std::map<MessageId, std::string> expected_;
  unsigned running_ = 0;
  std::size_t foreign_max_ = kForeignMax;
  io::Handle lock_;
};

TEST_F(SpoolCores, opens_the_spool_of_four_cores_with_two_one_three_and_four_again) {
  start(4);
  accept(30);
  end_some();
  for (const unsigned cores : {2U, 1U, 3U, 4U}) {
    SCOPED_TRACE(cores);
    stop();
    start(cores);
    ASSERT_NO_FATAL_FAILURE(compare());
    end_some();
    accept(6);
    let_it_compact();
  }
  stop();
  start(1);
  compare();
}

TEST_F(SpoolCores, does_so_over_power_cuts) {
  start(4);
  accept(30);
  end_some();
  for (const unsigned cores : {2U, 3U, 1U, 4U, 1U, 2U}) {
    SCOPED_TRACE(cores);
    cut();
    start(cores);
    ASSERT_NO_FATAL_FAILURE(compare());
    end_some();
    accept(4);
    if (cores % 2 != 0) let_it_compact();
  }
  cut();
  start(3);
  compare();
}

// Of a message that is moved to another core's log, an older envelope may stand where nothing could be read.
TEST_F(SpoolCores, names_what_it_could_not_read_when_it_moves_a_message) {
  start(2);
  const MessageId id = stations_[1]->accept("stays");
  for (int i = 0; i < 12; ++i)
    stations_[1]->record(stations_[1]->accept(std::string(100'000, 'o')), 0, RecipientState::delivered);
  ASSERT_TRUE(machines_[1]->turn_until([&] { return machines_[1]->figure("spool_moved") != 0; }));
  machines_[1]->turns(1);  // the copy is durable, and its original is there still
  cut();
  const std::string shard = machines_[1]->directory() + "/queue/shard-1";
  const auto segments = segments_with(id, shard);
  ASSERT_EQ(segments.size(), 2U);
  DeadBlocks blocks(*world_);
  blocks.kill_contents(machines_[1]->files(), fmt::format("{}/segment-{:06}", shard, segments.front()));
  start(1);
  ASSERT_NE(stations_[0]->recorder.find(id), nullptr);
  let_it_compact();
  EXPECT_GT(machines_[0]->figure("spool_moved"), 0U);
  stop();
  blocks.write_again(machines_[0]->files());
  start(2);
  EXPECT_EQ(stations_[0]->recorder.count(id) + stations_[1]->recorder.count(id), 1U);
}

// Each start with one core leaves a record of its state in the log of that core. Were each of them written down by the owner, and by
// who adopts his log next, there would be twice as many at every change.
TEST_F(SpoolCores, writes_down_once_what_many_starts_have_said_of_a_message) {
  for (const auto& station : stations_) station->options.compact_after = std::chrono::hours{1};
  start(2);
  const MessageId id = stations_[1]->accept("stays", {});
  const auto written_at_a_start_with_two = [&](std::uint16_t attempts) {
    stop();
    start(1);
    stations_[0]->accept("the segment stays");
    stations_[0]->record(id, 0, RecipientState::pending, attempts);
    EXPECT_TRUE(stations_[0]->flush());
    cut();
    start(2);
    return machines_[1]->figure("spool_state_bytes");
  };
  const std::uint64_t first = written_at_a_start_with_two(1);
  EXPECT_GT(first, 0U);
  for (std::uint16_t attempts = 2; attempts < 8; ++attempts)
    EXPECT_EQ(written_at_a_start_with_two(attempts), first);
  EXPECT_EQ(stations_[1]->recorder.find(id)->outcomes.front().attempts, 7);
  // And never again, though the records in the other log are still there.
  cut();
  start(2);
  EXPECT_EQ(machines_[1]->figure("spool_state_bytes"), 0U);
  EXPECT_EQ(stations_[1]->recorder.find(id)->outcomes.front().attempts, 7);
}

// What a core says of another's messages has a limit at the start; what is beyond it is told, and the rest counts.
class SpoolForeign : public SpoolCores {
 protected:
  SpoolForeign() {
    for (const auto& station : stations_) station->options.compact_after = std::chrono::hours{1};
    start(2);
    for (int i = 0; i < 3; ++i) ids_.push_back(stations_[1]->accept("of core 1", {}));
    stop();
    start(1);
    stations_[0]->accept("the segment stays");
  }
  // By core 0, for all; then the two start again, with room for two.
  void say_and_start_again(RecipientState state) {
    for (const MessageId id : ids_) stations_[0]->record(id, 0, state, 5);
    EXPECT_TRUE(stations_[0]->flush());
    cut();
    foreign_max_ = 2;
    start(2);
  }
  std::string errors_of_core_0() {
    std::string errors;
    machines_[0]->core().events().drain([&](const observe::EventView& event) {
      if (event.get(observe::EventKey::severity) == "error")
        errors.append(event.get(observe::EventKey::text)).append("\n");
    });
    return errors;
  }
  static constexpr std::string_view kOneMore =
      "the shard of core 0 has 1 more records about messages of other cores than memory is kept for";

  std::vector<MessageId> ids_;
};

TEST_F(SpoolForeign, says_of_how_many_states_the_owner_does_not_hear) {
  say_and_start_again(RecipientState::pending);
  EXPECT_THAT(errors_of_core_0(), ::testing::StartsWith(kOneMore));
  std::vector<unsigned> attempts;
  for (const MessageId id : ids_) {
    const auto* heard = stations_[1]->recorder.find(id);
    ASSERT_NE(heard, nullptr);
    attempts.push_back(heard->outcomes.front().attempts);
  }
  EXPECT_THAT(attempts, ::testing::UnorderedElementsAre(5, 5, 0));
}

TEST_F(SpoolForeign, says_of_how_many_ends_the_owner_does_not_hear) {
  say_and_start_again(RecipientState::delivered);
  EXPECT_THAT(errors_of_core_0(), ::testing::StartsWith(kOneMore));
  EXPECT_EQ(stations_[1]->spool->message_count(), 1U);  // may be delivered again, but is not lost
}

TEST_F(SpoolForeign, says_nothing_when_all_is_heard) {
  ids_.pop_back();
  say_and_start_again(RecipientState::delivered);
  EXPECT_EQ(errors_of_core_0(), "");
  EXPECT_EQ(stations_[1]->spool->message_count(), 1U);
}

}  // namespace
}  // namespace ringpost::spool::testing
