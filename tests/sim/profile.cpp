#include "profile.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "io/sim_chance.hpp"

namespace ringpost::simulator {

namespace {

using io::sim::Random;

// Some seeds have a kind of fault often, some seldom, many not at all: faults that always come together hide each other.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed * 2 + 1) {}
  std::uint64_t between(std::uint64_t low, std::uint64_t high) { return random_.between(low, high); }
  unsigned number(std::uint64_t low, std::uint64_t high) {
    return static_cast<unsigned>(random_.between(low, high));
  }
  bool one_in(std::uint64_t count) { return random_.one_in(count); }
  std::uint32_t rate(std::uint32_t often, std::uint32_t seldom) {
    return static_cast<std::uint32_t>(random_.between(often, seldom));
  }

 private:
  Random random_;
};

void make_world(Profile& profile, Dice& dice) {
  profile.cores = dice.number(1, 4);
  profile.other_core_counts = dice.one_in(2);
  profile.clients = dice.number(3, 12);
  profile.letters = dice.number(60, 260);
  profile.domains = dice.number(2, 6);
  profile.body_max = dice.between(500, 60'000);
  profile.large_body = dice.one_in(3) ? dice.rate(12, 40) : 0;
  profile.busy = std::chrono::seconds{dice.between(30, 3600)};
  profile.weaker_levels = dice.one_in(3);
  profile.connection_limit = dice.number(1, 6);
  profile.segment_size = Bytes{(1 + dice.between(0, 1)) << 20};
  profile.compact_after = std::chrono::seconds{dice.between(1, 120)};
}

void make_disk_faults(Profile& profile, Dice& dice) {
  auto& disk = profile.io.disk;
  disk.torn = !dice.one_in(4);
  disk.write_error = dice.rate(30, 300);
  if (dice.one_in(3)) disk.broken_file = dice.rate(150, 900);
  if (dice.one_in(2)) disk.short_write = dice.rate(30, 300);
  if (dice.one_in(2)) disk.read_error = dice.rate(20, 200);
  if (dice.one_in(3)) disk.read_rot = dice.rate(20, 200);
  if (dice.one_in(2)) disk.slow = dice.rate(20, 200);
  if (dice.one_in(3)) disk.files_error = dice.rate(40, 200);
}

void make_network_faults(Profile& profile, Dice& dice) {
  auto& network = profile.io.network;
  if (!dice.one_in(3)) network.reset = dice.rate(100, 3000);
  if (dice.one_in(2)) network.stall = dice.rate(200, 3000);
  if (dice.one_in(2)) network.starved = dice.rate(10, 100);
  if (dice.one_in(2)) network.late = dice.rate(10, 100);
  if (dice.one_in(2)) network.accept_ends = dice.rate(5, 50);
  network.single_bytes = dice.one_in(6);
  if (network.single_bytes) {
    profile.body_max = 400;
    profile.large_body = 0;
    if (network.reset != 0) network.reset *= 20;
    if (network.stall != 0) network.stall *= 50;
  }
}

void make_peer_faults(Profile& profile, Dice& dice) {
  auto& peers = profile.peers;
  if (!dice.one_in(3)) peers.defer = dice.rate(5, 50);
  if (dice.one_in(2)) peers.refuse = dice.rate(10, 80);
  if (dice.one_in(2)) peers.hang_up = dice.rate(10, 80);
  if (!dice.one_in(3)) peers.lose_ok = dice.rate(8, 60);
  if (dice.one_in(3)) peers.interrupt = dice.rate(10, 60);
  if (dice.one_in(3)) peers.silent = dice.rate(30, 150);
  if (dice.one_in(3)) peers.garbage = dice.rate(30, 150);
  if (dice.one_in(2)) profile.nuisances = dice.number(1, 4);
  if (dice.one_in(2)) profile.client_leaves = dice.rate(10, 60);
  if (dice.one_in(3)) profile.client_dawdles = dice.rate(10, 60);
}

void make_name_faults(Profile& profile, Dice& dice) {
  auto& names = profile.names;
  if (dice.one_in(2)) names.fail = dice.rate(4, 30);
  if (dice.one_in(2)) names.silent = dice.rate(4, 30);
  if (dice.one_in(3)) names.absent = dice.rate(8, 40);
  if (dice.one_in(3)) names.lie = dice.rate(8, 40);
  if (dice.one_in(3)) names.garbage = dice.rate(8, 40);
}

void make_machine_faults(Profile& profile, Dice& dice) {
  if (!dice.one_in(4)) profile.cuts = dice.number(1, 5);
  if (dice.one_in(2)) profile.kills = dice.number(1, 4);
  if (dice.one_in(2)) profile.restarts = dice.number(1, 3);
  if (dice.one_in(3)) profile.pauses = dice.number(1, 6);
  if (dice.one_in(3)) profile.clock_jumps = dice.number(1, 4);
  if (dice.one_in(3)) profile.full_disks = dice.number(1, 3);
  profile.crash_in_start = dice.one_in(2);
  profile.late_cores = dice.one_in(2);
  if (dice.one_in(4)) profile.memory = Bytes{dice.between(8, 20) << 20};
}

// From dice of their own: a kind of fault that is added leaves the runs of the other seeds as they were.
void make_rarer_faults(Profile& profile, Dice& dice) {
  if (dice.one_in(3)) {  // many turns for slots
    profile.messages_per_connection = dice.number(1, 4);
    profile.recipients_per_transaction = 1;
    profile.connection_limit = dice.number(1, 2);
  }
  if (!profile.faults) return;
  if (dice.one_in(4)) profile.broken_disks = dice.number(1, 3);
  if (dice.one_in(4)) profile.descriptors_few = dice.number(1, 3);
  if (dice.one_in(4)) profile.crowds = dice.number(1, 2);
  if (dice.one_in(4)) profile.peers.drip = dice.rate(20, 120);
  if (dice.one_in(4)) profile.client_drips = dice.rate(10, 60);
  if (dice.one_in(3)) profile.io.disk.files_end = dice.rate(15, 150);
  if (dice.one_in(4)) {  // little memory for much mail
    profile.memory = Bytes{dice.between(3, 7) << 20};
    profile.large_body = profile.body_max > 400 ? dice.rate(3, 12) : 0;
  }
  if (dice.one_in(4)) profile.index_memory = Bytes{dice.between(4, 40) << 10};
}

// Behind all else: what a disk that lies does to mailboxes is not followed.
void make_mailboxes(Profile& profile, Dice& dice) {
  profile.store_mailboxes = dice.one_in(3) && !profile.lying_disk();
  profile.origin_elsewhere = profile.through && !profile.store_mailboxes && profile.seed % 24 != 10;
  if (!profile.store_mailboxes) return;
  profile.local = dice.number(1, 4);
  profile.mailbox_blows = profile.faults && dice.one_in(2);
  if (!profile.mailbox_blows) return;
  profile.other_core_counts = !dice.one_in(3);
  profile.cores = std::max(profile.cores, 2U);
  profile.local = dice.number(1, 2);
}

// What needs several starts to go wrong needs many starts.
void make_restless(Profile& profile, Dice& dice) {
  profile.restless = profile.other_core_counts = profile.crash_in_start = true;
  profile.late_cores = dice.one_in(2);
  profile.letters = dice.number(20, 60);
  profile.body_max = std::min(profile.body_max, dice.between(500, 40'000));
  profile.busy = std::chrono::seconds{dice.between(60, 400)};
  profile.compact_after = std::chrono::seconds{dice.between(1, 8)};
  profile.segment_size = 1_MiB;
  profile.cuts = dice.number(1, 4);
  profile.kills = dice.number(0, 3);
  profile.restarts = dice.number(0, 6);
  profile.peers.defer = dice.rate(2, 5);
}

// From dice of its own, as in make_rarer_faults().
void make_seesaw(Profile& profile, Dice& dice) {
  if (profile.restless ? !dice.one_in(3) : profile.seed % 6 != 4) return;
  if (!profile.restless) make_restless(profile, dice);
  profile.seesaw = profile.late_cores = true;
  profile.other_core_counts = true;
  // What stands in a shard's own log when it has that back has ended in another's, or else was moved there.
  const Duration seldom = std::chrono::seconds{dice.between(60, 600)};
  // The starts have to succeed.
  profile.crash_in_start = false;
  profile.full_disks = profile.broken_disks = profile.descriptors_few = 0;
  profile.rots = 0;
  profile.io.disk = {};
  profile.io.disk.torn = true;
  profile.io.disk.slow = dice.rate(20, 200);
  profile.letters = dice.number(60, 120);
  profile.body_max = std::min<std::uint64_t>(profile.body_max, 8000);
  profile.large_body = 0;
  profile.busy = std::chrono::seconds{dice.between(100, 240)};
  if (!dice.one_in(3)) profile.compact_after = seldom;
}

}  // namespace

Profile make_profile(std::uint64_t seed) {
  Profile profile{.seed = seed};
  Dice dice(seed);
  make_world(profile, dice);
  profile.faults = seed % 8 != 0;
  profile.through = seed % 12 == 0 || seed % 12 == 7 || seed % 12 == 10;
  Dice others(seed ^ 0x5bd1'e995U);
  make_rarer_faults(profile, others);
  Dice mailboxes(seed ^ 0x6a09'e667U);
  if (!profile.faults) make_mailboxes(profile, mailboxes);
  if (!profile.faults) return profile;
  make_machine_faults(profile, dice);
  if (!dice.one_in(3)) make_disk_faults(profile, dice);
  if (!dice.one_in(3)) make_network_faults(profile, dice);
  if (!dice.one_in(4)) make_peer_faults(profile, dice);
  if (dice.one_in(3)) make_name_faults(profile, dice);
  if (seed % 2 == 1 && seed % 3 != 0) make_restless(profile, dice);
  if (seed % 5 == 2) {
    profile.rots = dice.one_in(3) ? 0 : dice.number(1, profile.restless ? 12 : 6);
    profile.io.disk.misdirected = profile.rots == 0 || dice.one_in(3) ? dice.rate(100, 400) : 0;
    profile.cuts += 1;
    if (profile.rots != 0) profile.peers.defer = dice.rate(2, 4);  // a full queue has more to lose
  }
  make_mailboxes(profile, mailboxes);
  Dice seesaw(seed ^ 0x3c6e'f372U);
  make_seesaw(profile, seesaw);
  return profile;
}

std::string describe(const Profile& profile) {
  return fmt::format(
      "{}{}{}{}{} core{}{}, {} letters, {} domains, cuts {}, kills {}, restarts {}, pauses {}, clock jumps "
      "{}, "
      "full "
      "disks {}, broken disks {}, few descriptors {}, "
      "rots {}, misdirected 1/{}, {} memory, disk {}, network {}, peers {}, names {}",
      profile.restless ? "restless, " : "", profile.seesaw ? "seesaw, " : "",
      profile.mailbox_blows     ? "mailboxes under blows, "
      : profile.store_mailboxes ? "mailboxes, "
                                : "",
      profile.through ? "level through, " : "", profile.cores, profile.cores == 1 ? "" : "s",
      profile.other_core_counts ? " and other counts" : "", profile.letters, profile.domains, profile.cuts,
      profile.kills, profile.restarts, profile.pauses, profile.clock_jumps, profile.full_disks,
      profile.broken_disks, profile.descriptors_few, profile.rots, profile.io.disk.misdirected,
      profile.memory + profile.index_memory < 48_MiB ? "little" : "enough",
      profile.io.disk.write_error != 0 ? "bad" : "good",
      profile.io.network.reset + profile.io.network.stall != 0 ? "bad" : "good",
      profile.peers.defer + profile.peers.refuse + profile.peers.lose_ok != 0 ? "bad" : "good",
      profile.names.fail + profile.names.silent + profile.names.lie != 0 ? "bad" : "good");
}

}  // namespace ringpost::simulator
