#include "mailroom.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "ringpost/scan/find.hpp"
#include "ringpost/shard/await.hpp"

#include "letter_text.hpp"

namespace ringpost::simulator {

using store::Flags;
using store::Uid;

namespace {

constexpr unsigned kUsers = 4;  // those of main.cpp
constexpr std::uint64_t kReadAtOnce = 64 * 1024;

Flags changed(Flags flags, const store::FlagChange& change) {
  switch (change.how) {
    case store::FlagChange::How::add:
      return flags | change.flags;
    case store::FlagChange::How::remove:
      return flags & ~change.flags;
    case store::FlagChange::How::replace:
      return change.flags;
  }
  return flags;
}

}  // namespace

// What a change makes of the messages that it names.
struct Mailroom::Change {
  std::map<std::uint32_t, Flags> flags;
  std::set<std::uint32_t> expunged;
};

struct Mailroom::User {
  struct Known {
    Flags flags = Flags::none;
    std::uint64_t modseq = 0;
    bool read = false;
  };
  std::string name;
  std::uint32_t uid_validity = 0, uid_next = 1;
  std::uint64_t highest_modseq = 0;
  std::map<std::uint32_t, Known> mail;
  std::set<std::uint32_t> gone;
  std::map<std::uint64_t, std::uint32_t> copies;  // of a queued message: the UID that it got
  std::optional<Change> under_way;
  std::vector<Change> in_doubt;  // they had failed, or were under way, when the machine ended

  std::shared_ptr<store::UserMail> box;  // while the machine runs
  unsigned core = 0;
  bool looked = false;  // since the start
  bool busy = false;

  bool may_have(std::uint32_t uid, Flags flags) const;
  bool may_miss(std::uint32_t uid) const;
};

// On a machine that runs only what is under way shows; after a start also what was in doubt.
bool Mailroom::User::may_have(std::uint32_t uid, Flags flags) const {
  const auto makes = [&](const Change& change) {
    const auto found = change.flags.find(uid);
    return found != change.flags.end() && found->second == flags;
  };
  return (under_way && makes(*under_way)) || (!looked && std::ranges::any_of(in_doubt, makes));
}

bool Mailroom::User::may_miss(std::uint32_t uid) const {
  const auto takes = [&](const Change& change) { return change.expunged.contains(uid); };
  return (under_way && takes(*under_way)) || (!looked && std::ranges::any_of(in_doubt, takes));
}

Mailroom::Mailroom(Machine& machine, const Profile& profile, Ledger& ledger, Coverage& coverage)
    : machine_(machine), ledger_(ledger), coverage_(coverage), random_(profile.seed * 101 + 3) {
  for (unsigned i = 0; i < kUsers; ++i) {
    users_.push_back(std::make_unique<User>());
    users_.back()->name = fmt::format("u{}@origin.test", i);
  }
}

Mailroom::~Mailroom() = default;

void Mailroom::open() {
  if (std::exchange(open_, true)) return;
  for (const auto& user : users_) {
    user->core = machine_.services(0).store().owner(store::user_id_of(user->name));
    shard::Core& core = machine_.core(user->core);
    core.spawn(live(core, machine_.services(user->core).store(), *user, life_));
  }
}

void Mailroom::close() {
  if (!std::exchange(open_, false)) return;
  ++life_;
  for (const auto& user : users_) {
    if (user->under_way) user->in_doubt.push_back(*std::exchange(user->under_way, std::nullopt));
    user->box.reset();
    user->looked = user->busy = false;
  }
  delivered_.clear();
}

bool Mailroom::all_read() const {
  return open_ && std::ranges::all_of(users_, [](const auto& user) {
           return user->looked &&
                  std::ranges::all_of(user->mail, [](const auto& each) { return each.second.read; });
         });
}

void Mailroom::look() {
  for (const auto& user : users_)
    if (user->box) compare(*user);
}

// ---- what must hold

void Mailroom::compare(User& user) {
  const store::Mailbox* inbox = user.box->find(store::kInbox);
  if (inbox == nullptr) return ledger_.violate(user.name + " has no inbox any more");
  const std::uint64_t highest = inbox->highest_modseq().value;
  if (user.looked && highest == user.highest_modseq) return;
  coverage_.note(user.looked ? "oracle: a mailbox compared after a change"
                             : "oracle: a mailbox compared after a start");
  if (user.uid_validity != 0 && inbox->uid_validity() != user.uid_validity)
    ledger_.violate("the UIDVALIDITY of " + user.name + " has changed");
  if (inbox->uid_next().value < user.uid_next || highest < user.highest_modseq)
    ledger_.violate(fmt::format("UIDNEXT or the highest mod-sequence of {} has fallen", user.name));
  std::set<std::uint32_t> left;
  for (const auto& [uid, known] : user.mail) left.insert(uid);
  for (const store::Message& message : inbox->messages()) {
    left.erase(message.uid.value);
    compare_message(user, message);
  }
  for (const std::uint32_t uid : left) miss(user, uid);
  user.uid_validity = inbox->uid_validity();
  user.uid_next = inbox->uid_next().value;
  user.highest_modseq = highest;
  if (!std::exchange(user.looked, true)) user.in_doubt.clear();
}

void Mailroom::compare_message(User& user, const store::Message& message) {
  const std::uint32_t uid = message.uid.value;
  const std::uint64_t modseq = message.modseq.value;
  if (user.gone.contains(uid))
    ledger_.violate(fmt::format("message {} of {} has come back after it was expunged", uid, user.name));
  const auto found = user.mail.find(uid);
  if (found == user.mail.end()) {
    if (uid < user.uid_next || modseq <= user.highest_modseq)
      ledger_.violate(
          fmt::format("message {} of {} is new, and its UID or mod-sequence is not", uid, user.name));
    user.mail[uid] = {message.flags, modseq};
    return;
  }
  User::Known& known = found->second;
  if (known.flags != message.flags && !user.may_have(uid, message.flags))
    ledger_.violate(fmt::format("message {} of {} has flags {} and should have {}", uid, user.name,
                                static_cast<unsigned>(message.flags), static_cast<unsigned>(known.flags)));
  if (modseq < known.modseq || (known.flags != message.flags && modseq <= user.highest_modseq))
    ledger_.violate(fmt::format("the mod-sequence of message {} of {} does not rise", uid, user.name));
  known.flags = message.flags;
  known.modseq = modseq;
}

void Mailroom::miss(User& user, std::uint32_t uid) {
  if (!user.may_miss(uid)) ledger_.violate(fmt::format("message {} of {} has gone", uid, user.name));
  user.mail.erase(uid);
  user.gone.insert(uid);
}

// ---- what users do

Task<void> Mailroom::live(shard::Core& core, store::Store& store, User& user, unsigned life) {
  while (life == life_ && !user.box) {
    auto opened = co_await store.open(user.name);
    if (life != life_) co_return;
    if (!opened) {
      co_await shard::Sleep(core, std::chrono::seconds{1});
      continue;
    }
    user.box = *std::move(opened);
    compare(user);  // what was in doubt shows now, before anything is done on top of it
  }
  while (life == life_) {
    if (!std::exchange(user.busy, true)) {
      co_await read_new(core, user, life);
      if (life == life_ && acts_ && random_.one_in(3)) co_await act(core, user, life);
      if (life == life_) user.busy = false;
    }
    co_await shard::Sleep(core, std::chrono::milliseconds{random_.between(50, 15'000)});
  }
}

Task<void> Mailroom::read_new(shard::Core&, User& user, unsigned life) {
  const auto box = user.box;
  std::vector<store::Message> fresh;
  for (const store::Message& message : box->find(store::kInbox)->messages())
    if (const auto known = user.mail.find(message.uid.value); known != user.mail.end() && !known->second.read)
      fresh.push_back(message);
  for (const store::Message& message : fresh) {
    std::string text;
    // Piece by piece, as FETCH does: a large message has no room in the memory of a core.
    while (text.size() < message.size) {
      const auto content = co_await box->read(message.blob, text.size(), kReadAtOnce);
      if (life != life_) co_return;
      if (!content) {
        if (content.error().kind == ErrorKind::permanent)
          ledger_.violate(fmt::format("message {} of {} cannot be read: {}", message.uid.value, user.name,
                                      content.error().text));
        co_return;
      }
      for (const auto piece : content->pieces()) text += scan::as_text(piece);
    }
    identify(user, message.uid.value, text);
  }
}

// What stands in the mailbox is a letter as it was posted, behind the fields of the delivery and the server's own.
void Mailroom::identify(User& user, std::uint32_t uid, std::string_view whole) {
  user.mail.at(uid).read = true;
  const std::size_t at = whole.find("Received:");
  const std::string_view text = whole.substr(std::min(at, whole.size()));
  const std::string_view received = received_field(text);
  const MessageId id = id_in(received);
  const auto number = number_in(field(text, "X-Letter"));
  if (!id || !number || *number >= ledger_.letters().size())
    return ledger_.violate(fmt::format("message {} of {} is no letter", uid, user.name));
  if (text.substr(received.size()) != ledger_.letters()[*number].text())
    return ledger_.violate(fmt::format("letter {} has come to {} with other bytes", *number, user.name));
  coverage_.note("oracle: bytes of a mail in its mailbox compared");
  const auto [copy, first] = user.copies.try_emplace(id.value, uid);
  if (!first)
    return ledger_.violate(fmt::format("{} is in the mailbox of {} twice, as {} and {}", to_string(id),
                                       user.name, copy->second, uid));
  ledger_.arrive(id, *number, user.name);
  ledger_.decide(id, user.name, true);
}

store::UidSet Mailroom::some_of(const User& user) {
  store::UidSet which;
  const std::uint64_t share = random_.between(1, 4);
  for (const auto& [uid, known] : user.mail)
    if (known.read && random_.one_in(share)) which.append(Uid{uid});
  return which;
}

Task<void> Mailroom::act(shard::Core& core, User& user, unsigned life) {
  const store::UidSet which = some_of(user);
  if (which.empty()) co_return;
  if (random_.one_in(4))
    co_await expunge(core, user, which, life);
  else
    co_await change_flags(core, user, which, life);
}

Task<void> Mailroom::change_flags(shard::Core&, User& user, store::UidSet which, unsigned life) {
  const store::FlagChange change{.how = static_cast<store::FlagChange::How>(random_.below(3)),
                                 .flags = static_cast<Flags>(random_.below(32))};
  user.under_way.emplace();
  for (const auto& [uid, known] : user.mail)
    if (which.contains(Uid{uid})) user.under_way->flags[uid] = changed(known.flags, change);
  const auto box = user.box;
  const auto done = co_await box->change_flags(store::kInbox, which, change);
  if (life == life_) conclude(user, done.has_value());
}

Task<void> Mailroom::expunge(shard::Core&, User& user, store::UidSet which, unsigned life) {
  user.under_way.emplace();
  for (const auto& [uid, known] : user.mail)
    if (which.contains(Uid{uid})) user.under_way->expunged.insert(uid);
  const auto box = user.box;
  const auto done = co_await box->expunge(store::kInbox, which, false);
  if (life == life_) conclude(user, done.has_value());
}

// Acknowledged: it shows, all of it. Refused: nothing of it does, but of a frame that failed nobody knows until a later one.
void Mailroom::conclude(User& user, bool done) {
  if (done) compare(user);
  const Change change = *std::exchange(user.under_way, std::nullopt);
  if (!done) {
    coverage_.note("oracle: a change of a mailbox was refused");
    user.in_doubt.push_back(change);
    return;
  }
  user.in_doubt.clear();
  coverage_.note(change.flags.empty() ? "oracle: an expunge was acknowledged"
                                      : "oracle: flags were acknowledged");
  for (const auto& [uid, flags] : change.flags)
    if (const auto found = user.mail.find(uid); found == user.mail.end() || found->second.flags != flags)
      ledger_.violate(
          fmt::format("the flags of message {} of {} were acknowledged, and are others", uid, user.name));
  for (const std::uint32_t uid : change.expunged)
    if (user.mail.contains(uid))
      ledger_.violate(fmt::format("message {} of {} was expunged, and is there", uid, user.name));
}

// ---- for blows

std::optional<unsigned> Mailroom::stored_since() {
  std::optional<unsigned> where;
  for (unsigned core = 0; core < machine_.count(); ++core) {
    const std::int64_t now = delivered_on(core);
    if (std::exchange(delivered_[core], now) < now) where = core;
  }
  return where;
}

std::int64_t Mailroom::delivered_on(unsigned core) {
  for (const auto& entry : machine_.core(core).figures().entries())
    if (entry.name == "store_delivered") return static_cast<std::int64_t>(entry.counter->value());
  ledger_.violate("there is no figure store_delivered");
  return 0;
}

bool Mailroom::expunge_newest(unsigned core) {
  expunged_in_haste_ = false;
  for (const auto& user : users_) {
    if (user->core != core || !user->box || user->busy || user->mail.empty()) continue;
    const auto newest = std::prev(user->mail.end());
    if (newest->second.read) continue;
    user->busy = true;
    machine_.core(core).spawn(expunge_in_haste(machine_.core(core), *user, newest->first, life_));
    return true;
  }
  return false;
}

Task<void> Mailroom::expunge_in_haste(shard::Core& core, User& user, std::uint32_t uid, unsigned life) {
  co_await read_new(core, user, life);
  if (life != life_) co_return;
  if (const auto found = user.mail.find(uid); found != user.mail.end() && found->second.read) {
    co_await expunge(core, user, store::UidSet({Uid{uid}, Uid{uid}}), life);
    if (life != life_) co_return;
    expunged_in_haste_ = !user.mail.contains(uid);
  }
  user.busy = false;
}

}  // namespace ringpost::simulator
