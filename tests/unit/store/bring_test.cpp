// Mail that lies in two logs is brought to its owner's core: what has rotted meanwhile, what is large, and what is left behind.
#include "support/figures.hpp"
#include "unit/store/cores_fixture.hpp"

namespace ringpost::store::testing {
namespace {

// What one core has accepted stays in its log, while one core more or less has the machine.
class StoreBring : public StoreCores {
 protected:
  StoreBring() : StoreCores({.memory_limit = 16_MiB}) { options_.compact_after = std::chrono::hours{1}; }
  ~StoreBring() override { give_memory_back(); }

  std::uint64_t figure(unsigned core, std::string_view name) {
    return shard::figure(simulation_.core(core), name);
  }
  void accept_text(const std::string& text) {
    ++number_;
    const auto done = deliver(0, user_, text, {MessageId{1000 + number_}, 0});
    ASSERT_TRUE(done) << done.error().error.text;
    expected_[user_][done->uid.value] = text;
  }
  // So that `text` is on a core that does not own the user any more, for the first has the newest of him. Which it is.
  unsigned leave_behind(const std::string& text) {
    start(4);
    const unsigned holder = parts_[0]->store->owner(user_id_of(user_));
    EXPECT_NE(holder, 0U) << "choose another user";
    accept_text(text);
    stop();
    start(1);
    accept_text("newer");
    stop();
    return holder;
  }
  // Of four cores, which can read little or nothing until it is given back.
  void take_memory(std::size_t left) {
    for (unsigned i = 0; i < 4; ++i) {
      auto& pool = simulation_.core(i).buffers();
      while (pool.budget().count - pool.in_use().count >= left + buffer::Pool::kClasses.back())
        taken_.push_back(pool.take(buffer::Pool::kClasses.back()));
    }
  }
  void give_memory_back() { taken_.clear(); }
  bool wait_until_here() {
    EXPECT_EQ(parts_[0]->store->owner(user_id_of(user_)), 0U);
    return simulation_.run_until([&] { return figure(0, "store_arriving") == 0; }, std::chrono::minutes{2});
  }
  // For each place where the log of the core has `text`: the file, its path, and the offset. How many there are.
  using Found = std::function<void(const io::File&, const std::string&, std::uint64_t)>;
  unsigned find(unsigned core, std::string_view text, const Found& then) {
    unsigned found = 0;
    const std::string directory = "/spool/queue/shard-" + std::to_string(core);
    const auto names = files().list(directory);
    EXPECT_TRUE(names);
    for (const std::string& name : *names) {
      const std::string path = directory + "/" + name;
      const auto file = files().open(path, {.write = true});
      if (!file) continue;
      std::string bytes(options_.segment_size.count, '\0');
      const auto size = files().read_at(file->handle, std::as_writable_bytes(std::span(bytes)), 0);
      bytes.resize(size.value_or(0));
      for (auto at = bytes.find(text); at != std::string::npos; at = bytes.find(text, at + 1), ++found)
        then(*file, path, at);
      EXPECT_TRUE(files().sync(file->handle));
      files().close(file->handle);
    }
    return found;
  }
  // One bit of its first byte.
  unsigned flip(unsigned core, std::string_view text) {
    const char flipped = static_cast<char>(text.front() ^ 1);
    return find(core, text, [&](const io::File& file, const std::string&, std::uint64_t at) {
      EXPECT_TRUE(files().write_at(file.handle, bytes_of({&flipped, 1}), at));
    });
  }

  const std::string user_ = "bert@a.example";
  std::vector<buffer::Block> taken_;
};

TEST_F(StoreBring, brings_a_message_without_what_was_prepared_of_it_when_that_has_rotted) {
  const unsigned holder = leave_behind("the text of it");
  take_memory(0);
  start(4);
  ASSERT_EQ(flip(holder, "facts of the text"), 1U);
  give_memory_back();
  ASSERT_TRUE(wait_until_here());
  EXPECT_EQ(figure(0, "store_brought"), 1U);
  EXPECT_EQ(figure(0, "store_damaged"), 0U);
  compare();
  on_owner(user_, [](UserMail& mail) -> Task<void> {
    const auto facts = co_await mail.facts(mail.find(kInbox)->messages().front().blob);
    EXPECT_TRUE(facts && facts->empty()) << "none: they are made of the bytes";
  });
}

class StoreBringDamaged : public StoreBring, public ::testing::WithParamInterface<std::size_t> {};

TEST_P(StoreBringDamaged, stays_where_it_is_for_a_repair) {
  const unsigned holder = leave_behind(std::string(GetParam(), 'l') + "the end of it");
  take_memory(0);
  start(4);
  ASSERT_NE(flip(holder, "the end of it"), 0U);
  give_memory_back();
  ASSERT_TRUE(wait_until_here());
  EXPECT_EQ(figure(0, "store_brought"), 0U);
  EXPECT_EQ(figure(0, "store_damaged"), 1U);
  simulation_.run_for(std::chrono::minutes{2});
  stop();
  ASSERT_NE(flip(holder, "uhe end of it"), 0U);
  start(4);
  ASSERT_TRUE(wait_until_here());
  EXPECT_EQ(figure(0, "store_brought"), 1U);
  compare();
}
INSTANTIATE_TEST_SUITE_P(Sizes, StoreBringDamaged, ::testing::Values(0, 1'000'000),
                         [](const auto& info) { return info.param == 0 ? "one_record" : "pieces"; });

// The pieces of a long message are moved one by one, and those of a segment that is full stay.
TEST_F(StoreBring, puts_a_message_together_whose_pieces_lie_in_several_logs) {
  options_.compact_after = Duration{0};
  options_.segment_size = 2_MiB;
  start(4);
  ASSERT_NE(parts_[0]->store->owner(user_id_of(user_)), 0U);
  accept_text(std::string(8 * kChunkSize, 'l'));  // seven fill a segment
  stop();
  start(1);
  accept_text("newer");
  ASSERT_TRUE(simulation_.run_until([&] { return figure(0, "store_moved") != 0; }, std::chrono::minutes{2}));
  let_it_settle();
  EXPECT_LT(figure(0, "store_moved"), 8U) << "the others stay";
  stop();
  start(4);
  ASSERT_TRUE(wait_until_here());
  EXPECT_EQ(figure(0, "store_brought"), 1U);
  EXPECT_EQ(figure(0, "store_damaged"), 0U);
  compare();
}

// Eight that the disk does not give take no longer than one.
TEST_F(StoreBring, brings_the_others_meanwhile) {
  start(4);
  const unsigned holder = parts_[0]->store->owner(user_id_of(user_));
  for (int i = 0; i < 8; ++i) accept_text("the text of it");
  stop();
  start(1);
  accept_text("newer");
  stop();
  take_memory(0);
  start(4);
  ASSERT_GE(find(holder, "the text of it",
                 [&](const io::File&, const std::string& path, std::uint64_t at) {
                   EXPECT_TRUE(simulation_.world().kill_block(path, at));
                 }),
            8U);
  give_memory_back();
  ASSERT_TRUE(wait_until_here()) << "as for one";
  EXPECT_EQ(figure(0, "store_damaged"), 8U);
}

// Else it would keep the mailbox closed for ever.
TEST_F(StoreBring, takes_a_sector_that_cannot_be_read_for_damage_after_a_while) {
  const unsigned holder = leave_behind("the text of it");
  take_memory(0);
  start(4);
  ASSERT_NE(find(holder, "the text of it",
                 [&](const io::File&, const std::string& path, std::uint64_t at) {
                   EXPECT_TRUE(simulation_.world().kill_block(path, at));
                 }),
            0U);
  give_memory_back();
  simulation_.run_for(std::chrono::seconds{30});
  EXPECT_EQ(figure(0, "store_arriving"), 1U) << "it may pass";
  ASSERT_TRUE(wait_until_here());
  EXPECT_EQ(figure(0, "store_brought"), 0U);
  EXPECT_EQ(figure(0, "store_damaged"), 1U);
}

TEST_F(StoreBring, takes_a_store_that_is_closing_for_no_damage) {
  const unsigned holder = leave_behind("the text of it");
  take_memory(0);
  start(4);
  On on{*this, holder};
  ASSERT_TRUE(on.run(do_close(holder)));
  give_memory_back();
  simulation_.run_for(std::chrono::seconds{30});
  EXPECT_EQ(figure(0, "store_damaged"), 0U);
  EXPECT_EQ(figure(0, "store_arriving"), 1U);
  stop();
  start(4);
  ASSERT_TRUE(wait_until_here());
  EXPECT_EQ(figure(0, "store_brought"), 1U);
  compare();
}

TEST_F(StoreBring, brings_a_message_that_is_larger_than_the_memory_of_a_core) {
  (void)leave_behind(std::string(3'000'000, 'l'));
  take_memory(1024 * 1024);
  start(4);
  ASSERT_TRUE(wait_until_here());
  give_memory_back();
  EXPECT_EQ(figure(0, "store_brought"), 1U);
  compare();
  on_owner(user_, [](UserMail& mail) -> Task<void> {
    const auto facts = co_await mail.facts(mail.find(kInbox)->messages().front().blob);
    EXPECT_TRUE(facts && !facts->empty());
  });
}

TEST_F(StoreBring, begins_anew_with_a_large_message_that_a_power_failure_has_cut) {
  const std::uint64_t size = 3'000'000;
  (void)leave_behind(std::string(size, 'l'));
  for (std::uint64_t chunks = 1; chunks < size / kChunkSize; chunks += 3) {
    begin_start(4);
    const auto has_some = [&] {
      return parts_[0]->spool != nullptr && parts_[0]->spool->log().space().live_bytes > chunks * kChunkSize;
    };
    ASSERT_TRUE(simulation_.run_until(has_some, std::chrono::minutes{1}));
    EXPECT_LT(parts_[0]->spool->log().space().live_bytes, size);
    cut();
  }
  start(4);
  ASSERT_TRUE(wait_until_here());
  compare();
}

// A core that keeps mail of somebody else beside what it had of the user: its segment stays.
TEST_F(StoreBring, keeps_nothing_of_who_was_brought_elsewhere_after_a_restart) {
  start(4);
  const unsigned holder = parts_[0]->store->owner(user_id_of(user_));
  const auto neighbour = std::ranges::find_if(users_, [&](const std::string& user) {
    return user != user_ && parts_[0]->store->owner(user_id_of(user)) == holder;
  });
  ASSERT_NE(neighbour, users_.end());
  const auto done = deliver(0, *neighbour, "stays");
  ASSERT_TRUE(done);
  expected_[*neighbour][done->uid.value] = "stays";
  accept_text("goes");
  stop();
  start(1);
  accept_text("newer");
  stop();
  start(4);
  ASSERT_TRUE(wait_until_here());
  compare();  // makes the inboxes of the others
  const std::uint64_t live = parts_[holder]->spool->log().space().live_bytes;
  EXPECT_NE(live, 0U);
  for (const bool hard : {false, true}) {
    hard ? cut() : stop();
    start(4);
    let_it_settle();
    EXPECT_EQ(parts_[holder]->spool->log().space().live_bytes, live);
    compare();
  }
}

// The owner's core has only the newest of his state; the rest of it is where the first segment has nothing else that counts.
TEST_F(StoreBring, keeps_what_the_owner_needs_until_he_has_been_brought) {
  start(4);
  const unsigned holder = parts_[0]->store->owner(user_id_of(user_));
  accept_text("first");
  accept_text(std::string(3'000'000, 'l'));
  on_owner(user_, [](UserMail& mail) -> Task<void> {
    EXPECT_TRUE(co_await mail.expunge(kInbox, UidSet::all(), false));
  });
  expected_.clear();
  stop();
  ASSERT_EQ(leave_behind("behind"), holder);
  take_memory(0);
  start(4);
  simulation_.run_for(std::chrono::minutes{1});
  EXPECT_EQ(figure(0, "store_arriving"), 1U);
  cut();
  start(4);
  ASSERT_TRUE(wait_until_here());
  EXPECT_EQ(figure(0, "store_damaged"), 0U);
  compare();
}

}  // namespace
}  // namespace ringpost::store::testing
