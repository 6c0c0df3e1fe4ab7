// One run: a machine with the server, and all the world around it, from one seed, on one thread, in simulated time.
//
// Layer: simulator.
// Run:   the world is busy: letters are posted, and what the profile says goes wrong. Then nothing goes wrong any more, and
//        the queue must drain; the ledger is closed. A last start in another shape must find an empty queue.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "clients.hpp"
#include "coverage.hpp"
#include "disk_watch.hpp"
#include "ledger.hpp"
#include "machine.hpp"
#include "mailroom.hpp"
#include "names.hpp"
#include "profile.hpp"
#include "remotes.hpp"
#include "watch.hpp"

namespace ringpost::simulator {

struct Outcome {
  std::optional<std::string> violation;
  std::uint64_t trace = 0;
  Duration time{0};  // simulated
  std::size_t promises = 0, arrivals = 0, repeats = 0, reports = 0;
  Coverage coverage;
};

class World {
 public:
  World(const Profile& profile, accounts::Accounts& accounts);
  Outcome run();
  // Tells what happens as it happens, for who looks into a failure.
  bool talkative = false;

 private:
  using Deed = void (World::*)();
  // A frame on its way to the disk; mail moved to another segment; mail in a mailbox, and the queue does not know yet; the
  // same, and its user has expunged it; some mail has arrived.
  enum class Moment : std::uint8_t { any, frame, move, stored, expunged, arrived };
  void plan();
  void plan_some(unsigned count, Deed deed);
  void do_due();

  // What the plan does.
  void cut_power();
  void kill();
  void restart();
  void pause();
  void shift_clock();
  void fill_disk();
  void break_disk();
  void take_descriptors();
  void end_in_cold_call();
  void rot();

  bool round();
  void step(Instant until);
  bool run_until(const std::function<bool()>& done, Duration bound);
  void keep_machine_up();
  void aim(bool power);
  void aim_at_start();
  void choose_late_reader();
  void read_late();
  void strike();
  bool is_moment(Moment moment);
  void wait_for_haste(unsigned owner);
  void crash(bool power);
  void ended(Machine::Phase before);
  void compare_after_start();
  void calm_down();
  void drain();
  std::string what_is_left();
  void last_start();
  unsigned next_cores();
  Outcome outcome();
  void tell(std::string_view what);

  Profile profile_;
  io::sim::Random random_;
  Coverage coverage_;
  Ledger ledger_{coverage_};
  io::SimWorld io_;
  Names names_;
  std::unique_ptr<io::Backend> outside_backend_;
  shard::Core outside_;
  Remotes remotes_;
  Clients clients_;
  Machine machine_;
  Watch watch_;
  Mailroom mailroom_;
  DiskWatch disk_watch_;
  std::multimap<Instant, Deed> plan_;
  std::map<unsigned, Instant> paused_;   // cores, until when
  std::optional<unsigned> late_reader_;  // of the logs, at this start
  std::optional<Instant> disk_full_until_, disk_broken_until_, descriptors_few_until_;
  struct Blow {
    bool power;
    Moment moment;                          // it waits for a frame being written, or for mail being moved,
    Instant latest;                         // at most until then
    std::optional<std::uint64_t> in_round;  // or exactly then
  };
  std::optional<Blow> blow_;
  std::size_t arrivals_until_blow_ = 0;  // the count of all
  Instant begun_;
  Instant next_start_;
  bool compared_ = false;
  unsigned ran_with_ = 0;  // cores, when it ran last
  bool stop_wanted_ = false;
  bool calm_ = false;
  std::uint64_t rounds_ = 0;
  Instant instant_;
  std::uint64_t rounds_of_instant_ = 0;  // since the clock moved to it
};

}  // namespace ringpost::simulator
