// Looks at what the machine's disk is told and what it does: no failed frame is written again in its place, and what a
// lying disk has ruined is excused, and nothing else.
//
// Layer: simulator. Owner: the World.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>

#include "ringpost/io/sim.hpp"

#include "coverage.hpp"
#include "io/sim_chance.hpp"
#include "ledger.hpp"

namespace ringpost::simulator {

class DiskWatch {
 public:
  DiskWatch(Ledger& ledger, Coverage& coverage) : ledger_(ledger), coverage_(coverage) {}
  void see(const io::SimWrite& write);
  // The machine has ended: a segment in which nothing was ever read may be begun anew, with the salt that it has.
  void forget() { failed_.clear(); }
  // In the segments of the machine, where something is stored: one bit turns over, or a block cannot be read any more.
  using KillBlock = std::function<void(const std::string& path, std::uint64_t offset)>;
  void rot(io::Files& files, io::sim::Random& random, const KillBlock& kill);

 private:
  // Every message with a record in a frame of the file that has bytes in [begin, end).
  void excuse(std::span<const std::byte> file, std::size_t begin, std::size_t end);

  Ledger& ledger_;
  Coverage& coverage_;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t>
      failed_;  // (file, offset) -> salt of the frame
};

}  // namespace ringpost::simulator
