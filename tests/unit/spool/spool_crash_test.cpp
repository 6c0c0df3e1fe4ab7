// Random operations on one or two cores, cut at any point, with the number of cores changing between starts. After each
// start the queue is compared with what was promised.
#include <map>
#include <set>

#include "unit/spool/spool_fixture.hpp"

namespace ringpost::spool::testing {
namespace {

struct Expected {
  std::string text;
  std::vector<RecipientState> durable;  // finals that must be there
  std::vector<RecipientState> said;     // the last word, durable or not
  std::set<std::pair<std::uint32_t, std::uint64_t>> finished_durable,
      finished_said;       // targets of pending recipients
  bool in_memory = false;  // level memory, and nobody knows whether it was written meanwhile
  bool promised = false;   // must be there unless it may have ended
  bool ended = false;      // durably: must never come back

  bool may_have_ended() const {
    return std::ranges::all_of(said, [](RecipientState state) { return state != RecipientState::pending; });
  }
};

class Model {
 public:
  explicit Model(std::uint64_t seed) : seed_(seed), world_(std::make_shared<io::SimWorld>(seed)) {
    for (unsigned i = 0; i < 2; ++i) {
      machines_.push_back(std::make_unique<Machine>(world_, i));
      stations_.push_back(std::make_unique<Station>(*machines_[i]));
      stations_[i]->options.compact_after = random(2) == 0 ? Duration{0} : Duration{std::chrono::hours{1}};
    }
  }
  ~Model() {
    if (!::testing::Test::HasFailure()) close_all();
    for (const auto& station : stations_) Machine::abandon(station->spool);
  }
  std::uint64_t moved_cold() const { return moved_cold_; }
  bool moves() const {
    return std::ranges::any_of(stations_,
                               [](const auto& at) { return at->options.compact_after.count() == 0; });
  }

  void round() {
    machines_[0]->peers = {machines_[1].get()};
    machines_[1]->peers = {machines_[0].get()};
    boot();
    if (::testing::Test::HasFatalFailure()) return;
    compare();
    if (::testing::Test::HasFatalFailure()) return;
    const std::uint64_t steps = random(40) + 3;
    for (std::uint64_t i = 0; i < steps; ++i) step();
    note_moved();
    if (random(4) == 0)
      close_all();
    else
      cut();
  }

 private:
  std::uint64_t random(std::uint64_t below) {
    seed_ = seed_ * 6364136223846793005U + 1442695040888963407U;
    return (seed_ >> 33) % below;
  }

  void boot() {
    switch (random(3)) {
      case 0:
        running_ = {0};
        break;
      case 1:
        running_ = {1};
        break;
      default:
        running_ = {0, 1};
        break;
    }
    auto start = start_spool(machines_[0]->files(), stations_[0]->options);
    ASSERT_TRUE(start) << start.error().text;
    lock_ = start->lock;
    for (std::size_t i = 0; i < running_.size(); ++i) {
      std::vector<unsigned> adopt;
      if (i == 0)
        for (const unsigned shard : start->shards_on_disk)
          if (std::ranges::find(running_, shard) == running_.end()) adopt.push_back(shard);
      stations_[running_[i]]->open_shared(*start, adopt);
    }
    for (const unsigned core : running_) stations_[core]->start();
  }

  void close_all() {
    for (const unsigned core : running_) {
      if (!stations_[core]->spool) continue;
      ASSERT_TRUE(machines_[core]->run(stations_[core]->spool->close()));
      stations_[core]->spool.reset();
    }
    if (lock_) machines_[0]->files().close(lock_);
    lock_ = {};
    for (auto& [id, message] : expected_) {
      message.in_memory = false;
      note_durable(message);
    }
    for (const auto& machine : machines_) machine->restart();
  }
  void note_moved() {
    for (const unsigned core : running_) moved_cold_ += machines_[core]->figure("spool_moved_cold");
  }
  void cut() {
    for (const unsigned core : running_) Machine::abandon(stations_[core]->spool);
    lock_ = {};
    Machine::power_cut({machines_[0].get(), machines_[1].get()});
  }

  static void note_durable(Expected& message) {
    message.durable = message.said;
    message.ended = message.ended || message.may_have_ended();
    if (!message.in_memory) message.finished_durable = message.finished_said;
  }

  // Of recipients that wait nothing that was done is forgotten, and nothing is there that was not.
  static void compare_finished(Expected& message, const Spool::Loaded& loaded) {
    std::set<std::pair<std::uint32_t, std::uint64_t>> found;
    for (const FinishedTarget& target : loaded.finished) found.emplace(target.recipient, target.target);
    ASSERT_EQ(found.size(), loaded.finished.size());
    for (const auto& target : found) {
      ASSERT_EQ(loaded.outcomes[target.first].state, RecipientState::pending);
      ASSERT_TRUE(message.finished_said.contains(target));
    }
    for (const auto& target : message.finished_durable)
      if (loaded.outcomes[target.first].state == RecipientState::pending) ASSERT_TRUE(found.contains(target));
    message.finished_durable = message.finished_said = found;
    message.in_memory = false;
  }

  // Every promise is kept, nothing that ended is back, and no message is in two places.
  void compare() {
    std::map<std::uint64_t, unsigned> holders;
    for (const unsigned core : running_) {
      Station& at = *stations_[core];
      ASSERT_EQ(at.spool->recovery().damages, 0U);
      for (const MessageId id : at.spool->ids({}, 100'000)) {
        ASSERT_TRUE(holders.emplace(id.value, core).second) << to_string(id) << " is in two shards";
        ASSERT_EQ(at.recorder.count(id), 1U) << to_string(id);
        ASSERT_TRUE(expected_.contains(id.value)) << to_string(id) << " was never accepted";
      }
      ASSERT_EQ(at.recorder.heard.size(), at.spool->message_count());
    }
    for (auto& [id, message] : expected_) {
      const auto holder = holders.find(id);
      if (holder == holders.end()) {
        ASSERT_TRUE(!message.promised || message.may_have_ended()) << "lost " << to_string(MessageId{id});
        message.ended = true;
        continue;
      }
      ASSERT_FALSE(message.ended) << "came back: " << to_string(MessageId{id});
      Station& at = *stations_[holder->second];
      const auto text = at.body({id});
      ASSERT_TRUE(text) << text.error().text;
      ASSERT_EQ(*text, message.text);
      const auto loaded = at.load({id});
      ASSERT_TRUE(loaded);
      for (std::size_t i = 0; i < message.durable.size(); ++i) {
        const RecipientState state = loaded->outcomes[i].state;
        if (message.durable[i] != RecipientState::pending)
          ASSERT_EQ(state, message.durable[i]) << to_string(MessageId{id});
        message.durable[i] = message.said[i] = state;
      }
      compare_finished(message, *loaded);
      if (::testing::Test::HasFatalFailure()) return;
      message.promised = true;
    }
  }

  void step() {
    const unsigned core = running_[random(running_.size())];
    Station& at = *stations_[core];
    switch (random(8)) {
      case 0:
      case 1:
      case 2:
        accept(at);
        break;
      case 3:
      case 4:
      case 5:
        end_one(at);
        break;
      case 6:
        if (at.flush())
          for (auto& [id, message] : expected_)
            if (owner_[id] == core) note_durable(message);
        break;
      default:
        machines_[core]->turns(static_cast<unsigned>(random(30)));
        if (random(3) == 0) pass_time(*machines_[core]);  // for upkeep, which empties segments
        break;
    }
    for (auto& [id, message] : expected_)
      if (owner_.contains(id) == false) owner_[id] = core;
  }

  void pass_time(Machine& machine) {
    const Instant until = machine.core().now() + Duration{std::chrono::milliseconds{random(2500)}};
    machine.turn_until([&] { return machine.core().now() >= until; });
  }

  void accept(Station& at) {
    Station::Mail mail;
    mail.recipients.clear();
    for (std::uint64_t i = 0; i <= random(3); ++i)
      mail.recipients.push_back("r" + std::to_string(i) + "@example.net");
    mail.in_pieces = random(12) == 0;
    mail.life = std::chrono::hours{random(100)};
    const std::uint64_t kind = random(6);
    if (!mail.in_pieces && kind == 0) mail.level = mail::Durability::relaxed;
    if (!mail.in_pieces && kind == 1) mail.level = mail::Durability::memory;
    const std::uint64_t size = mail.in_pieces ? random(900'000) : random(80'000);
    const std::string text(static_cast<std::size_t>(size), static_cast<char>('a' + random(26)));
    const auto id = at.try_accept(text, mail);
    if (!id) return;  // no room just now
    Expected& message = expected_[id->value];
    message.text = text;
    message.durable.assign(mail.recipients.size(), RecipientState::pending);
    message.said = message.durable;
    message.promised = mail.level == mail::Durability::disk;
    message.in_memory = mail.level == mail::Durability::memory;
  }

  void end_one(Station& at) {
    const auto ids = at.spool->ids({}, 100'000);
    if (ids.empty()) return;
    const MessageId id = ids[random(ids.size())];
    Expected& message = expected_.at(id.value);
    owner_[id.value] = at.machine.core().index();
    const auto recipient = static_cast<std::uint32_t>(random(message.said.size()));
    if (message.said[recipient] != RecipientState::pending) return;
    if (random(3) == 0) {
      const std::uint64_t target = random(40);
      at.spool->record(id, FinishedTarget{recipient, target});
      message.finished_said.emplace(recipient, target);
      return;
    }
    const auto state = random(3) == 0 ? RecipientState::pending : RecipientState::delivered;
    at.record(id, recipient, state, static_cast<std::uint16_t>(random(100) + 1));
    message.said[recipient] = state;
  }

  std::uint64_t seed_;
  std::uint64_t moved_cold_ = 0;
  std::shared_ptr<io::SimWorld> world_;
  std::vector<std::unique_ptr<Machine>> machines_;
  std::vector<std::unique_ptr<Station>> stations_;
  std::vector<unsigned> running_;
  io::Handle lock_;
  std::map<std::uint64_t, Expected> expected_;
  std::map<std::uint64_t, unsigned> owner_;
};

class SpoolCrash : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(SpoolCrash, keeps_every_promise_and_brings_nothing_back) {
  Model model(GetParam());
  for (unsigned round = 0; round < 32; ++round) {
    SCOPED_TRACE(::testing::Message() << "seed " << GetParam() << ", round " << round);
    model.round();
    if (HasFailure()) return;
  }
  if (model.moves()) EXPECT_GT(model.moved_cold(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, SpoolCrash, ::testing::Range<std::uint64_t>(1, 7));

}  // namespace
}  // namespace ringpost::spool::testing
