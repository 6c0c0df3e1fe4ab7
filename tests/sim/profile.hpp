// What one seed makes of the world: how large it is, and how often what goes wrong.
//
// Layer: simulator. A value; everything in it comes from the seed, so a seed is a whole run.
#pragma once

#include <cstdint>
#include <string>

#include "ringpost/base/units.hpp"
#include "ringpost/io/sim.hpp"

namespace ringpost::simulator {

struct Profile {
  std::uint64_t seed = 0;
  bool faults = true;  // false: nothing goes wrong, and promises about time are checked too

  // ---- the world
  unsigned cores = 2;
  bool other_core_counts = false;  // each start takes another number of cores
  unsigned clients = 6;
  unsigned letters = 120;
  unsigned domains = 4;
  std::uint64_t body_max = 40'000;
  std::uint32_t large_body = 0;   // one letter in so many is larger than one record
  Duration busy{0};               // over which the letters are posted
  std::uint32_t local = 8;        // of recipients, one in so many has a mailbox here
  bool store_mailboxes = false;   // the server keeps them itself; else another does, over LMTP
  bool mailbox_blows = false;     // most lives end when mail is in a mailbox, and the queue does not know yet
  bool weaker_levels = false;     // some letters go to the listeners `relaxed` and `memory`
  bool through = false;           // some go to the listener `through`
  bool origin_elsewhere = false;  // a route leads mail for the server's own domain to another one
  std::uint32_t connection_limit = 4;
  std::uint32_t messages_per_connection = 20;
  std::uint32_t recipients_per_transaction = 3;
  std::uint32_t client_connection_limit = 4;  // of one address
  Bytes segment_size = 1_MiB;
  Duration compact_after = 60s;
  Bytes memory = 64_MiB;  // of each core
  Bytes index_memory = 64_MiB;

  // ---- what goes wrong: one time in so many, 0 is never
  io::SimFaults io;
  struct Peers {
    std::uint32_t defer = 0;      // 4yz to a command, or to the whole message
    std::uint32_t refuse = 0;     // 5yz
    std::uint32_t hang_up = 0;    // at any command
    std::uint32_t lose_ok = 0;    // the message is taken, and the connection dies before the 250
    std::uint32_t interrupt = 0;  // in the middle of a body: a reply that nobody asked for, and the end
    std::uint32_t silent = 0;     // for up to fifteen minutes
    std::uint32_t garbage = 0;
    std::uint32_t drip = 0;  // a reply comes byte by byte
  } peers;
  struct Names {
    std::uint32_t fail = 0;    // SERVFAIL, REFUSED
    std::uint32_t silent = 0;  // no answer for a minute
    std::uint32_t absent = 0;  // NXDOMAIN for what exists
    std::uint32_t lie = 0;     // the exchangers of another domain
    std::uint32_t garbage = 0;
  } names;
  unsigned nuisances = 0;            // clients who send nonsense, byte by byte
  std::uint32_t client_leaves = 0;   // in the middle of a message
  std::uint32_t client_dawdles = 0;  // for up to seven minutes, with the connection open
  std::uint32_t client_drips = 0;    // a body comes in small pieces, with pauses
  unsigned crowds = 0;               // more connections of one address at once than one may have

  // ---- what happens to the machine, beside `io.disk.files_end`, this many times while it is busy
  unsigned cuts = 0;         // of power
  unsigned kills = 0;        // of the process
  unsigned restarts = 0;     // in good order
  unsigned pauses = 0;       // of one core, or all
  unsigned clock_jumps = 0;  // of the time of day
  unsigned full_disks = 0;
  unsigned broken_disks = 0;     // no write succeeds for a while
  unsigned descriptors_few = 0;  // hardly a file or connection can be opened for a while
  unsigned rots = 0;             // a bit of what is stored turns over
  bool crash_in_start = false;   // and while it stops
  bool late_cores = false;       // at a start one core stands still while the others read their logs
  // A short life after another, each with another number of cores and a queue that stays full; half of the blows fall while
  // mail is being moved from one segment to another.
  bool restless = false;
  // Many cores and few by turns; and where the few have been, and may know what has ended, they read their logs last.
  bool seesaw = false;
  // The disk says that all is well when it is not: what it ruined cannot be asked of the server.
  bool lying_disk() const { return rots > 0 || io.disk.misdirected > 0; }
};

Profile make_profile(std::uint64_t seed);
std::string describe(const Profile& profile);

}  // namespace ringpost::simulator
