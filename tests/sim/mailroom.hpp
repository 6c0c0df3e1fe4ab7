// The users of the mailboxes that the server keeps itself, and what must hold of these.
//
// Layer: simulator. Owner: the World; what users do runs on the core that owns their mail.
// Rules: a message that was seen in a mailbox is there until it is expunged, and what was expunged never comes back. UIDs rise
//        and are given once, UIDVALIDITY stays, mod-sequences rise. Flags are as the last acknowledged change left them; of
//        a change that was under way at a crash each message has all or nothing. Of a letter a user has one copy in all, also
//        when that one was expunged before the queue knew of it.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "coverage.hpp"
#include "io/sim_chance.hpp"
#include "ledger.hpp"
#include "machine.hpp"
#include "profile.hpp"

namespace ringpost::simulator {

class Mailroom {
 public:
  Mailroom(Machine& machine, const Profile& profile, Ledger& ledger, Coverage& coverage);
  ~Mailroom();

  // The machine runs: the users come.
  void open();
  // It ends, or has ended. What was under way is in doubt.
  void close();
  // After each round.
  void look();
  void behave() { acts_ = false; }
  // All that is in the mailboxes has been read.
  bool all_read() const;

  // ---- for blows. The core in whose log a delivery has become durable since this was asked last.
  std::optional<unsigned> stored_since();
  // The newest mail of a user there goes at once; true: a user is about to.
  bool expunge_newest(unsigned core);
  bool expunged_in_haste() const { return expunged_in_haste_; }

 private:
  struct User;
  struct Change;
  void compare(User& user);
  void compare_message(User& user, const store::Message& message);
  void miss(User& user, std::uint32_t uid);
  Task<void> live(shard::Core& core, store::Store& store, User& user, unsigned life);
  Task<void> read_new(shard::Core& core, User& user, unsigned life);
  void identify(User& user, std::uint32_t uid, std::string_view text);
  Task<void> act(shard::Core& core, User& user, unsigned life);
  Task<void> change_flags(shard::Core& core, User& user, store::UidSet which, unsigned life);
  Task<void> expunge(shard::Core& core, User& user, store::UidSet which, unsigned life);
  Task<void> expunge_in_haste(shard::Core& core, User& user, std::uint32_t uid, unsigned life);
  void conclude(User& user, bool done);
  store::UidSet some_of(const User& user);
  std::int64_t delivered_on(unsigned core);

  Machine& machine_;
  Ledger& ledger_;
  Coverage& coverage_;
  io::sim::Random random_;
  std::vector<std::unique_ptr<User>> users_;
  std::map<unsigned, std::int64_t> delivered_;  // by core, as it was when it was asked
  unsigned life_ = 0;
  bool open_ = false;
  bool acts_ = true;
  bool expunged_in_haste_ = false;
};

}  // namespace ringpost::simulator
