// Random operations on the mail of a user, with frames that fail and power cuts at any moment, against a plain model. What
// was acknowledged is there, what was refused is not, and what was under way is there wholly or not at all.
#include <functional>

#include "unit/store/store_fixture.hpp"

namespace ringpost::store::testing {
namespace {

// The model knows nothing of mod-sequences: those must be what they were, or rise.
Seen without_modseqs(Seen seen) {
  for (auto& [name, box] : seen.boxes) {
    box.highest_modseq = 0;
    for (auto& [uid, message] : box.messages) message.modseq = 0;
  }
  return seen;
}

class Model {
 public:
  explicit Model(std::uint64_t seed)
      : seed_(seed), machine_(std::make_shared<io::SimWorld>(seed)), at_(machine_) {
    at_.open();
    now_ = at_.see();
  }
  ~Model() {
    if (::testing::Test::HasFailure()) at_.lose_power();
    at_.close();
  }

  void round() {
    const std::uint64_t steps = random(25) + 1;
    for (std::uint64_t i = 0; i < steps; ++i) {
      step();
      if (::testing::Test::HasFailure()) return;
    }
    if (random(3) == 0) at_.let_it_compact(std::chrono::seconds{2});
    if (random(3) == 0)
      at_.reopen();
    else if (random(3) == 0)
      cut_between();
    else
      cut_within();
    ASSERT_EQ(at_.spool->recovery().damages, 0U);
    ASSERT_EQ(at_.see(), now_);
  }

 private:
  std::uint64_t random(std::uint64_t below) {
    seed_ = seed_ * 6364136223846793005U + 1442695040888963407U;
    return (seed_ >> 33) % below;
  }

  struct Operation {
    std::string what;
    std::function<Task<bool>()> run;       // says whether it was acknowledged
    std::function<void(Seen& seen)> then;  // what the model becomes
  };

  std::string any_box() {
    auto each = now_.boxes.begin();
    std::advance(each, static_cast<std::ptrdiff_t>(random(now_.boxes.size())));
    return each->first;
  }
  MailboxId id_of(const std::string& name) { return at_.user().find(name)->id(); }
  UidSet some_of(const Seen::Box& box) {
    UidSet set;
    const std::uint64_t share = random(4) + 1;
    for (const auto& [uid, message] : box.messages)
      if (random(share) == 0) set.append(Uid{uid});
    return set;
  }

  Operation append() {
    const std::string box = any_box();
    std::vector<Mail> mails;
    for (std::uint64_t i = random(3) + 1; i != 0; --i) {
      Mail mail{.text = std::to_string(random(1'000'000)) +
                        std::string(random(12) == 0 ? 300'000 : random(3000), 'm')};
      mail.flags = static_cast<Flags>(random(32));
      for (std::uint64_t k = random(3); k != 0; --k) mail.keywords.push_back("k" + std::to_string(random(5)));
      mails.push_back(mail);
    }
    return {"append to " + box,
            [this, box, mails]() -> Task<bool> {
              co_return (co_await at_.do_append(at_.user(), id_of(box), mails)).has_value();
            },
            [box, mails](Seen& seen) {
              Seen::Box& to = seen.boxes.at(box);
              for (const Mail& mail : mails) {
                to.messages[to.uid_next++] = {mail.text,
                                              mail.flags,
                                              {mail.keywords.begin(), mail.keywords.end()},
                                              0,
                                              1'000'000 + static_cast<std::int64_t>(mail.text.size())};
                seen.bytes += mail.text.size();
              }
            }};
  }

  Operation deliver() {
    const std::string text = "delivery " + std::to_string(random(1'000'000));
    return {"deliver",
            [this, text]() -> Task<bool> {
              co_return (co_await at_.do_deliver("anna@example.org", "", text, {MessageId{++origin_}, 0}))
                  .has_value();
            },
            [text](Seen& seen) {
              Seen::Box& to = seen.boxes.at("INBOX");
              to.messages[to.uid_next++] = {text, Flags::none, {}, 0, -1};
              seen.bytes += text.size();
            }};
  }

  Operation flags() {
    const std::string box = any_box();
    const UidSet which = some_of(now_.boxes.at(box));
    FlagChange change{.how = static_cast<FlagChange::How>(random(3)),
                      .flags = static_cast<Flags>(random(32))};
    if (random(2) == 0) change.keywords = {"k" + std::to_string(random(5))};
    return {"flags in " + box,
            [this, box, which, change]() -> Task<bool> {
              co_return (co_await at_.user().change_flags(id_of(box), which, change)).has_value();
            },
            [box, which, change](Seen& seen) {
              for (auto& [uid, message] : seen.boxes.at(box).messages) {
                if (!which.contains(Uid{uid})) continue;
                if (change.how == FlagChange::How::replace) {
                  message.flags = change.flags;
                  message.keywords = {change.keywords.begin(), change.keywords.end()};
                } else if (change.how == FlagChange::How::add) {
                  message.flags = message.flags | change.flags;
                  message.keywords.insert(change.keywords.begin(), change.keywords.end());
                } else {
                  message.flags = message.flags & ~change.flags;
                  for (const std::string& name : change.keywords) message.keywords.erase(name);
                }
              }
            }};
  }

  Operation expunge() {
    const std::string box = any_box();
    const UidSet which = random(8) == 0 ? UidSet::all() : some_of(now_.boxes.at(box));
    return {"expunge in " + box,
            [this, box, which]() -> Task<bool> {
              co_return (co_await at_.user().expunge(id_of(box), which, false)).has_value();
            },
            [box, which](Seen& seen) {
              std::erase_if(seen.boxes.at(box).messages, [&](const auto& each) {
                if (!which.contains(Uid{each.first})) return false;
                seen.bytes -= each.second.text.size();
                return true;
              });
            }};
  }

  Operation copy(bool move) {
    const std::string from = any_box();
    const std::string to = any_box();
    const UidSet which = some_of(now_.boxes.at(from));
    return {(move ? "move from " : "copy from ") + from + " to " + to,
            [this, from, to, which, move]() -> Task<bool> {
              auto done = move ? at_.user().move(id_of(from), which, id_of(to))
                               : at_.user().copy(id_of(from), which, id_of(to));
              co_return (co_await std::move(done)).has_value();
            },
            [from, to, which, move](Seen& seen) {
              Seen::Box& target = seen.boxes.at(to);
              const auto messages = seen.boxes.at(from).messages;
              for (const auto& [uid, message] : messages) {
                if (!which.contains(Uid{uid})) continue;
                target.messages[target.uid_next++] = message;
                seen.bytes += message.text.size();
                if (move && seen.boxes.at(from).messages.erase(uid) != 0) seen.bytes -= message.text.size();
              }
            }};
  }

  Operation create() {
    const std::string name = "box" + std::to_string(random(6));
    return {"create " + name,
            [this, name]() -> Task<bool> { co_return (co_await at_.user().create(name)).has_value(); },
            [name](Seen& seen) { seen.boxes.try_emplace(name, Seen::Box{.uid_validity = kNew}); }};
  }

  Operation remove() {
    const std::string name = "box" + std::to_string(random(6));
    if (!now_.boxes.contains(name)) return create();
    return {"remove " + name,
            [this, name]() -> Task<bool> { co_return (co_await at_.user().remove(id_of(name))).has_value(); },
            [name](Seen& seen) {
              for (const auto& [uid, message] : seen.boxes.at(name).messages)
                seen.bytes -= message.text.size();
              seen.boxes.erase(name);
            }};
  }

  Operation rename() {
    const std::string from = "box" + std::to_string(random(6));
    const std::string to = "box" + std::to_string(random(6));
    if (!now_.boxes.contains(from) || now_.boxes.contains(to)) return create();
    return {"rename " + from + " to " + to,
            [this, from, to]() -> Task<bool> {
              co_return (co_await at_.user().rename(id_of(from), to)).has_value();
            },
            [from, to](Seen& seen) {
              auto box = seen.boxes.extract(from);
              box.key() = to;
              seen.boxes.insert(std::move(box));
            }};
  }

  Operation grant() {
    const std::string box = any_box();
    const std::string reader = (random(4) == 0 ? "-r" : "r") + std::to_string(random(3));
    const Rights rights = Rights::from_bits(static_cast<std::uint32_t>(random(3) == 0 ? 0 : random(0x800)));
    return {"grant in " + box + " to " + reader,
            [this, box, reader, rights]() -> Task<bool> {
              co_return (co_await at_.user().set_access(id_of(box), reader, rights)).has_value();
            },
            [box, reader, rights](Seen& seen) {
              auto& list = seen.boxes.at(box).access;
              if (rights.empty())
                list.erase(reader);
              else
                list[reader] = rights.to_string();
            }};
  }

  Operation any() {
    switch (random(11)) {
      case 0:
      case 1:
        return append();
      case 2:
        return deliver();
      case 3:
      case 4:
        return flags();
      case 5:
        return expunge();
      case 6:
        return copy(false);
      case 7:
        return copy(true);
      case 8:
        return random(2) == 0 ? create() : rename();
      case 9:
        return grant();
      default:
        return random(4) == 0 ? remove() : create();
    }
  }

  // Whether the mail is what the operation makes of it. What only the store knows is taken from it, where it is new.
  bool is_after(Seen seen, const Operation& operation, std::string& why) {
    Seen expected = now_;
    operation.then(expected);
    for (auto& [name, box] : expected.boxes) {
      const auto found = seen.boxes.find(name);
      if (found == seen.boxes.end()) continue;
      if (box.uid_validity == kNew) {
        box.uid_validity = found->second.uid_validity;
        if (box.uid_validity <= validity_max_) return false;
      }
      // A failed frame has left a gap.
      if (failed_ && found->second.uid_next > box.uid_next) shift(name, box, found->second);
      for (auto& [uid, message] : box.messages)
        if (const auto there = found->second.messages.find(uid);
            message.internal_date == -1 && there != found->second.messages.end())
          message.internal_date = there->second.internal_date;
    }
    if (without_modseqs(expected) != without_modseqs(seen)) {
      why = "not what " + operation.what + " makes of it";
      return false;
    }
    for (const auto& [name, box] : seen.boxes) {
      const auto before = now_.boxes.find(name);
      if (before == now_.boxes.end() || before->second == box) continue;
      if (before->second.access != box.access) continue;  // access lists have no mod-sequences
      if (box.highest_modseq <= before->second.highest_modseq) {
        why = "the mod-sequence of " + name + " does not rise";
        return false;
      }
      for (const auto& [uid, message] : box.messages) {
        const auto old = before->second.messages.find(uid);
        const bool other = old == before->second.messages.end() || !(old->second == message);
        if (other && message.modseq <= before->second.highest_modseq) {
          why = "a change without a new mod-sequence";
          return false;
        }
      }
    }
    return true;
  }
  // New messages have later numbers than the model gave them.
  void shift(const std::string& name, Seen::Box& box, const Seen::Box& found) {
    const auto before = now_.boxes.find(name);
    if (before == now_.boxes.end()) return;
    const std::uint32_t by = found.uid_next - box.uid_next;
    std::map<std::uint32_t, Seen::Message> shifted;
    for (auto& [uid, message] : box.messages)
      shifted[uid >= before->second.uid_next ? uid + by : uid] = message;
    box.messages = std::move(shifted);
    box.uid_next = found.uid_next;
  }

  void note(const Seen& seen) {
    now_ = seen;
    for (const auto& [name, box] : now_.boxes) validity_max_ = std::max(validity_max_, box.uid_validity);
  }

  void step() {
    const Operation operation = any();
    SCOPED_TRACE(operation.what);
    at_.user();
    const bool breaks = random(8) == 0;
    bool broken = false;
    if (breaks) machine_.backend().on_write = fail_next_frame(broken, random(2) == 0);
    const bool done = at_.client.run(operation.run());
    machine_.backend().on_write = nullptr;
    // Of a frame that failed nobody knows whether it is there, until the next one says that it does not count.
    if (broken) machine_.turns(100);
    const Seen seen = at_.see();
    if (!done) {
      ASSERT_EQ(seen, now_);
      if (!broken) {
        // The model does what the store refuses only when something is there already.
        ASSERT_TRUE(operation.what.starts_with("create")) << operation.what;
      }
      failed_ = failed_ || broken;
      return;
    }
    failed_ = failed_ || broken;
    std::string why;
    ASSERT_TRUE(is_after(seen, operation, why)) << why;
    note(seen);
  }

  void cut_between() {
    at_.lose_power();
    failed_ = false;
    at_.open();
  }

  // Something is under way.
  void cut_within() {
    const Operation operation = any();
    bool over = false;
    bool done = false;
    at_.user();
    const auto work = [&]() -> Task<void> {
      done = co_await operation.run();
      over = true;
    };
    machine_.core().spawn(work());
    const std::uint64_t turns = random(6);
    for (std::uint64_t i = 0; i < turns && !over; ++i) machine_.turns(1);
    const bool acknowledged = over && done;
    at_.lose_power();
    at_.open();
    const Seen seen = at_.see();
    std::string why;
    const bool after = is_after(seen, operation, why);
    failed_ = false;
    if (acknowledged || seen != now_) ASSERT_TRUE(after) << operation.what << ": " << why;
    note(seen);
  }

  static constexpr std::uint32_t kNew = ~0U;
  std::uint64_t seed_;
  Machine machine_;
  Mailroom at_;
  Seen now_;
  std::uint32_t validity_max_ = 0;
  std::uint64_t origin_ = 0;
  bool failed_ = false;
};

class StoreModel : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(StoreModel, holds_what_was_acknowledged_over_failed_frames_and_power_cuts) {
  Model model(GetParam());
  for (int i = 0; i < 12; ++i) {
    SCOPED_TRACE(i);
    model.round();
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, StoreModel, ::testing::Range<std::uint64_t>(1, 13));

}  // namespace
}  // namespace ringpost::store::testing
