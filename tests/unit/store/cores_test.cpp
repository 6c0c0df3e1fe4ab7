// Several cores: mail goes to the owner's, and the number of cores changes between starts.
#include "ringpost/shard/simulation.hpp"

#include "unit/store/store_fixture.hpp"

namespace ringpost::store::testing {
namespace {

// A machine of up to four cores, of which the first so many are used at a start.
class StoreCores : public ::testing::Test {
 protected:
  StoreCores() {
    options_.directory = "/spool/queue";
    options_.segment_size = 1_MiB;
    options_.buffer_memory = 6_MiB;
    options_.free_space_min = Percent{0};
    options_.segments_ahead = 2;
    options_.compact_after = Duration{0};
    (void)files().make_directory("/spool");
    (void)files().sync_directory("/");
  }
  ~StoreCores() override {
    if (running_ != 0) stop();
  }

  io::Files& files() { return simulation_.core(0).backend().files(); }
  struct Part {
    std::unique_ptr<Store> store;
    std::unique_ptr<spool::Spool> spool;
    Silence silence;
  };

  Task<void> open(unsigned index, spool::SpoolStart start, std::vector<unsigned> adopt) {
    Part& part = *parts_[index];
    shard::Core& core = simulation_.core(index);
    auto opened = co_await spool::Spool::open(core, options_, start, adopt, part.store.get());
    EXPECT_TRUE(opened);
    part.spool = std::move(*opened);
    ++opened_;
    while (opened_ < running_) co_await shard::Sleep(core, std::chrono::milliseconds{1});
    const auto started = co_await part.spool->start(part.silence);
    EXPECT_TRUE(started) << started.error().text;
    ++started_;
  }
  void start(unsigned cores) {
    running_ = cores;
    opened_ = started_ = 0;
    auto started = spool::start_spool(files(), options_);
    ASSERT_TRUE(started) << started.error().text;
    lock_ = started->lock;
    sharing_ = std::make_unique<Sharing>(cores);
    for (unsigned i = 0; i < cores; ++i) {
      parts_.push_back(std::make_unique<Part>());
      parts_[i]->store = std::make_unique<Store>(simulation_.core(i), *sharing_, StoreSettings{});
    }
    for (unsigned i = 0; i < cores; ++i) {
      std::vector<unsigned> adopt;
      for (const unsigned shard : started->shards_on_disk)
        if (shard >= cores && shard % cores == i) adopt.push_back(shard);
      simulation_.core(i).spawn(open(i, *started, adopt));
    }
    ASSERT_TRUE(simulation_.run_until([&] { return started_ == running_; }, std::chrono::minutes{5}));
  }
  // Nobody is being brought anywhere any more.
  void let_it_settle() { simulation_.run_for(std::chrono::seconds{6}); }

  Task<void> do_close(unsigned index) {
    co_await parts_[index]->spool->close();
    ++closed_;
  }
  void stop() {
    closed_ = 0;
    for (unsigned i = 0; i < running_; ++i) simulation_.core(i).spawn(do_close(i));
    ASSERT_TRUE(simulation_.run_until([&] { return closed_ == running_; }, std::chrono::minutes{5}));
    files().close(lock_);
    parts_.clear();
    sharing_.reset();
    running_ = 0;
    simulation_.power_cut();  // new cores
  }
  void cut() {
    static auto* graves =
        new std::vector<std::pair<std::vector<std::unique_ptr<Part>>, std::unique_ptr<Sharing>>>;
    graves->emplace_back(std::move(parts_), std::move(sharing_));
    parts_.clear();
    running_ = 0;
    simulation_.power_cut();
  }

  Task<Outcome<Delivered>> do_deliver(unsigned at, std::string to, std::string text, Origin origin) {
    const std::array pieces{bytes_of(text)};
    const std::string facts = "facts of " + text.substr(0, 20);
    co_return co_await parts_[at]->store->deliver({.user = to,
                                                   .mailbox = "",
                                                   .message = {.pieces = pieces, .facts = bytes_of(facts)},
                                                   .origin = origin});
  }
  // Run on the core that takes it.
  struct On {
    StoreCores& at;
    unsigned core;
    bool run(Task<void> task) {
      bool done = false;
      at.simulation_.core(core).spawn(tell(std::move(task), done));
      return at.simulation_.run_until([&] { return done; }, std::chrono::minutes{5});
    }
    static Task<void> tell(Task<void> task, bool& done) {
      co_await std::move(task);
      done = true;
    }
  };
  Outcome<Delivered> deliver(unsigned at, const std::string& to, const std::string& text,
                             Origin origin = {}) {
    On on{*this, at};
    return Client<On>(on).run(do_deliver(at, to, text, origin));
  }
  void accept(unsigned count) {
    for (unsigned n = 0; n < count; ++n)
      for (const std::string& user : users_) {
        ++number_;
        const std::string text =
            user + " " + std::to_string(number_) + std::string(number_ % 9 == 0 ? 300'000 : 500, 't');
        const auto done =
            deliver(static_cast<unsigned>(number_ % running_), user, text, {MessageId{1000 + number_}, 0});
        ASSERT_TRUE(done) << done.error().error.text;
        expected_[user][done->uid.value] = text;
      }
  }
  void expunge_some() {
    for (const std::string& user : users_) {
      if (expected_[user].empty()) continue;
      const std::uint32_t uid = expected_[user].begin()->first;
      on_owner(user, [&](UserMail& mail) -> Task<void> {
        EXPECT_TRUE(co_await mail.expunge(kInbox, UidSet({Uid{uid}, Uid{uid}}), false));
      });
      expected_[user].erase(uid);
    }
  }
  void on_owner(const std::string& user, const std::function<Task<void>(UserMail&)>& work) {
    On on{*this, parts_[0]->store->owner(user_id_of(user))};
    Store& store = *parts_[on.core]->store;
    Client<On> client(on);
    auto opened = client.run(store.open(user));
    ASSERT_TRUE(opened) << user << ": " << opened.error().text;
    ASSERT_TRUE(on.run(work(**opened)));
  }
  void compare() {
    for (const std::string& user : users_) {
      std::map<std::uint32_t, std::string> found;
      on_owner(user, [&](UserMail& mail) -> Task<void> {
        const auto messages = mail.find(kInbox)->messages();
        for (const Message& message : std::vector(messages.begin(), messages.end())) {
          const auto content = co_await mail.read(message);
          found[message.uid.value] = content ? text_of(*content) : content.error().text;
        }
      });
      ASSERT_EQ(found, expected_[user]) << user;
      const auto owners = std::ranges::count_if(
          parts_, [&](const auto& part) { return std::ranges::count(part->store->users(), user) != 0; });
      ASSERT_EQ(owners, 1) << user;
    }
    for (const auto& part : parts_) EXPECT_EQ(part->spool->recovery().damages, 0U);
  }

  shard::Simulation simulation_{11, 4};
  spool::SpoolOptions options_;
  io::Handle lock_;
  std::unique_ptr<Sharing> sharing_;
  std::vector<std::unique_ptr<Part>> parts_;
  unsigned running_ = 0, opened_ = 0, started_ = 0, closed_ = 0;
  std::uint64_t number_ = 0;
  const std::vector<std::string> users_{"anna", "bert@a.example", "carla@b.example",
                                        "dora", "emil",           "frida@c.example"};
  std::map<std::string, std::map<std::uint32_t, std::string>> expected_;
};

TEST_F(StoreCores, delivers_on_any_core_into_the_mailbox_of_its_owner) {
  start(3);
  accept(4);
  ASSERT_NO_FATAL_FAILURE(compare());
  std::set<unsigned> owners;
  for (const std::string& user : users_) owners.insert(parts_[0]->store->owner(user_id_of(user)));
  EXPECT_GT(owners.size(), 1U);
  stop();
  start(3);
  compare();
}

TEST_F(StoreCores, delivers_once_however_often_another_core_asks) {
  start(2);
  On first{*this, 0};
  const MessageId queued = Client<On>(first).run(enqueue(*parts_[0]->spool));
  for (unsigned at = 0; at < 2; ++at) {
    const auto done = deliver(at, "anna", "once", {queued, 1});
    ASSERT_TRUE(done);
    if (at == 0) expected_["anna"][done->uid.value] = "once";
    if (at == 1) EXPECT_FALSE(done->uid);
  }
  for (const std::string& user : users_)
    if (user != "anna") ASSERT_TRUE(deliver(0, user, "x"));
  cut();
  start(2);
  EXPECT_FALSE(deliver(1, "anna", "once", {queued, 1})->uid);
  parts_[0]->store->confirm(user_id_of("anna"), {queued, 1});
  let_it_settle();
  EXPECT_TRUE(deliver(1, "anna", "once", {queued, 1})->uid);
}

TEST_F(StoreCores, opens_the_mail_of_four_cores_with_two_one_three_and_four_again) {
  start(4);
  accept(6);
  for (const bool hard : {false, true})
    for (const unsigned cores : {2U, 1U, 3U, 4U, 1U, 4U}) {
      SCOPED_TRACE(cores);
      hard ? cut() : stop();
      start(cores);
      if (HasFatalFailure()) return;
      let_it_settle();
      ASSERT_NO_FATAL_FAILURE(compare());
      ASSERT_NO_FATAL_FAILURE(expunge_some());
      ASSERT_NO_FATAL_FAILURE(accept(2));
      if (cores != 3) let_it_settle();
    }
  stop();
  start(2);
  let_it_settle();
  compare();
}

TEST_F(StoreCores, loses_nothing_when_power_fails_while_mail_is_brought_over) {
  start(4);
  accept(12);
  for (int round = 0; round < 8; ++round) {
    SCOPED_TRACE(round);
    cut();
    start(1);
    ASSERT_NO_FATAL_FAILURE(accept(1));
    cut();
    start(4);
    simulation_.run_for(std::chrono::milliseconds{round * 3});
  }
  let_it_settle();
  ASSERT_NO_FATAL_FAILURE(compare());
  cut();
  start(4);
  let_it_settle();
  compare();
}

// Everyone's inbox is shared with the next one, and asked for on all cores.
TEST_F(StoreCores, tell_each_other_who_shares_with_whom) {
  start(3);
  accept(1);
  for (std::size_t i = 0; i < users_.size(); ++i)
    on_owner(users_[i], [&](UserMail& mail) -> Task<void> {
      EXPECT_TRUE(co_await mail.set_access(kInbox, users_[(i + 1) % users_.size()], Right::lookup));
    });
  on_owner("emil", [](UserMail& mail) -> Task<void> {
    EXPECT_TRUE(co_await mail.set_access(kInbox, "anyone", Right::lookup));
  });
  const auto check = [&](unsigned cores) {
    for (unsigned at = 0; at < cores; ++at) {
      EXPECT_EQ(parts_[at]->store->owners_sharing_with("anna"),
                (std::vector<std::string>{"emil", "frida@c.example"}));
      EXPECT_EQ(parts_[at]->store->owners_sharing_with("emil"), (std::vector<std::string>{"dora"}));
      EXPECT_TRUE(parts_[at]->store->shares_with("emil", "nobody"));
    }
  };
  check(3);
  for (const bool hard : {false, true})
    for (const unsigned cores : {1U, 4U, 2U}) {
      SCOPED_TRACE(cores);
      hard ? cut() : stop();
      ASSERT_NO_FATAL_FAILURE(start(cores));
      let_it_settle();
      check(cores);
      if (HasFailure()) return;
    }
  on_owner("emil", [](UserMail& mail) -> Task<void> {
    EXPECT_TRUE(co_await mail.set_access(kInbox, "anyone", Rights()));
  });
  for (unsigned at = 0; at < 2; ++at)
    EXPECT_EQ(parts_[at]->store->owners_sharing_with("anna"), (std::vector<std::string>{"frida@c.example"}));
}

TEST_F(StoreCores, run_what_another_core_asks_of_a_user) {
  start(3);
  accept(1);
  std::set<unsigned> seen;
  for (unsigned at = 0; at < 3; ++at)
    for (const std::string& user : users_) {
      On on{*this, at};
      std::string found;
      const bool done =
          Client<On>(on).run(parts_[at]->store->at_owner(user, [&](UserMail& mail) -> Task<void> {
            seen.insert(mail.core());
            EXPECT_EQ(mail.core(), parts_[0]->store->owner(user_id_of(user)));
            const std::string made = "by" + std::to_string(at);
            EXPECT_TRUE(co_await mail.create(made));
            found = mail.name();
          }));
      EXPECT_TRUE(done);
      EXPECT_EQ(found, user);
    }
  EXPECT_GT(seen.size(), 1U);
}

TEST_F(StoreCores, make_no_user_that_is_only_asked_for) {
  start(2);
  ASSERT_TRUE(deliver(0, "anna", "x"));
  bool ran = false;
  const auto ask = [&](unsigned at, std::string_view user) {
    On on{*this, at};
    return Client<On>(on).run(parts_[at]->store->at_owner(user, [&](UserMail&) -> Task<void> {
      ran = true;
      co_return;
    }));
  };
  for (unsigned at = 0; at < 2; ++at) {
    for (const char* user : {"nobody", "nobody@b.example", "", "anna2"}) EXPECT_FALSE(ask(at, user)) << user;
    EXPECT_FALSE(ran);
    EXPECT_EQ(parts_[at]->store->users().size(),
              parts_[at]->store->owner(user_id_of("anna")) == at ? 1U : 0U);
  }
  EXPECT_TRUE(ask(0, "anna"));
  const unsigned owner = parts_[0]->store->owner(user_id_of("anna"));
  On on{*this, owner};
  EXPECT_TRUE(Client<On>(on).run(parts_[owner]->store->remove_user("anna")));
  ran = false;
  for (unsigned at = 0; at < 2; ++at) EXPECT_FALSE(ask(at, "anna"));
  EXPECT_FALSE(ran);
}

// What is asked beyond the limit waits for its turn.
TEST_F(StoreCores, ask_one_core_so_much_at_once_and_not_more) {
  start(2);
  ASSERT_TRUE(deliver(0, "anna", "x"));
  const unsigned owner = parts_[0]->store->owner(user_id_of("anna"));
  const unsigned asker = 1 - owner;
  std::size_t running = 0, over = 0;
  bool go = false;
  const auto work = [&](UserMail& mail) -> Task<void> {
    ++running;
    while (!go) co_await shard::Sleep(simulation_.core(mail.core()), std::chrono::milliseconds{1});
    --running;
  };
  const auto ask = [&]() -> Task<void> {
    EXPECT_TRUE(co_await parts_[asker]->store->at_owner("anna", work));
    ++over;
  };
  for (std::size_t i = 0; i <= kRemoteMax; ++i) simulation_.core(asker).spawn(ask());
  simulation_.run_for(std::chrono::seconds{1});
  EXPECT_EQ(running, kRemoteMax);
  EXPECT_EQ(over, 0U);
  go = true;
  EXPECT_TRUE(simulation_.run_until([&] { return over == kRemoteMax + 1; }, std::chrono::minutes{1}));
  EXPECT_EQ(running, 0U);
}

TEST_F(StoreCores, ask_nothing_when_they_close) {
  start(2);
  ASSERT_TRUE(deliver(0, "anna", "x"));
  const unsigned owner = parts_[0]->store->owner(user_id_of("anna"));
  On on{*this, owner};
  ASSERT_TRUE(on.run(do_close(owner)));
  for (unsigned at = 0; at < 2; ++at) {
    On asker{*this, at};
    EXPECT_FALSE(Client<On>(asker).run(parts_[at]->store->at_owner("anna", [](UserMail&) -> Task<void> {
      ADD_FAILURE() << "run on a core that has closed its log";
      co_return;
    })));
  }
}

}  // namespace
}  // namespace ringpost::store::testing
