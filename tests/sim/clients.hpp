// Those who post letters: each client connects, sends some, and comes back with those that were not taken.
//
// Layer: simulator. Owner: the World; on the core outside the machine. Speaks smtp::ClientSession.
// A nuisance sends nonsense, now at once, now byte by byte, and never a whole message: nothing may come of it.
// A client tries again until it has heard 250 or 5yz, or has tried kTriesMax times; what it heard goes to the ledger.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ringpost/net/connection.hpp"
#include "ringpost/smtp/client_session.hpp"
#include "ringpost/smtp/transaction_result.hpp"

#include "coverage.hpp"
#include "io/sim_chance.hpp"
#include "ledger.hpp"
#include "profile.hpp"

namespace ringpost::simulator {

class Clients {
 public:
  Clients(shard::Core& core, const Profile& profile, Ledger& ledger, Coverage& coverage);

  void start();
  bool all_over() const { return open_letters_ == 0 && busy_ == 0; }
  void behave() {
    leaves_ = dawdles_ = drips_ = 0;
    nuisances_ = crowds_ = 0;
  }
  // The machine has died or started: whoever was connected is not any more.
  void machine_changed() { ++life_; }
  // The longest that a client had to wait for a reply.
  Duration longest_wait() const { return longest_wait_; }

  static Endpoint server(mail::Durability level, bool lmtp = false);

 private:
  static constexpr unsigned kTriesMax = 12;
  struct Visit;
  struct Waiting {
    Instant due;
    unsigned letter;
    unsigned tries;
  };

  void post_letters(const Profile& profile);
  void pass_through(const Profile& profile, Letter& letter);
  Task<void> live(unsigned which);
  Task<void> visit(unsigned which, Waiting first);
  Task<void> live_as_nuisance(unsigned which);
  Task<void> annoy(net::Connection& connection);
  std::string nonsense();
  Task<void> live_as_crowd(unsigned which);
  Task<void> come_in_crowd(unsigned which);
  Task<bool> send_letter(Visit& visit, Waiting what);
  Task<smtp::ClientEvent> next_event(Visit& visit);
  Task<bool> send_body(Visit& visit, const std::string& text);
  Task<bool> send_slowly(Visit& visit, const std::string& bytes);
  void note_reset(const Error& error, std::string_view doing);
  static std::vector<std::uint32_t> accepted_of(const Letter& letter, const smtp::TransactionResult& result);
  void acknowledge(Letter& letter, const smtp::TransactionResult& result,
                   const std::vector<std::uint32_t>& accepted);
  void conclude(Visit& visit, Letter& letter, const Waiting& what, bool body_sent);
  // True: it may be tried again.
  bool may_come_again(const Letter& letter, const mail::Reply& reply, bool body_sent);
  void note_passing(const Letter& letter, Duration waited, unsigned life);
  void try_later(const Waiting& what);
  void finish(Letter& letter);
  std::optional<Waiting> take_due(mail::Durability level, bool lmtp = false);
  bool leaves();
  Task<bool> dawdle();  // whether it did

  shard::Core& core_;
  Ledger& ledger_;
  Coverage& coverage_;
  io::sim::Random random_;
  unsigned count_;
  std::uint32_t leaves_;
  std::uint32_t dawdles_;
  std::uint32_t drips_;
  unsigned nuisances_;
  unsigned crowds_;
  std::uint32_t connection_limit_;
  bool resets_;        // connections may break at any time
  bool faults_;        // anything may go wrong
  bool refusals_;      // a next hop may say 5yz, or seem to
  bool delays_;        // the server may have to wait for more than its next hops
  unsigned life_ = 0;  // of the machine
  std::multimap<Instant, Waiting> waiting_;
  std::size_t open_letters_ = 0;
  std::size_t busy_ = 0;
  Duration longest_wait_{0};
};

}  // namespace ringpost::simulator
