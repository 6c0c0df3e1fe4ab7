// Stores on several cores, whose number changes between starts.
#pragma once

#include "ringpost/shard/simulation.hpp"

#include "unit/store/store_fixture.hpp"

namespace ringpost::store::testing {

// A machine of up to four cores, of which the first so many are used at a start.
class StoreCores : public ::testing::Test {
 protected:
  explicit StoreCores(const shard::CoreOptions& cores = {}) : simulation_(11, 4, cores) {
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
  void begin_start(unsigned cores) {
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
  }
  void start(unsigned cores) {
    ASSERT_NO_FATAL_FAILURE(begin_start(cores));
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

  shard::Simulation simulation_;
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

}  // namespace ringpost::store::testing
