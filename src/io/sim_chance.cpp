#include "sim_chance.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>

namespace ringpost::io::sim {

Random::Random(std::uint64_t seed) {
  for (std::uint64_t& word : state_) {
    seed += 0x9e37'79b9'7f4a'7c15U;
    std::uint64_t mixed = seed;
    mixed = (mixed ^ mixed >> 30) * 0xbf58'476d'1ce4'e5b9U;
    mixed = (mixed ^ mixed >> 27) * 0x94d0'49bb'1331'11ebU;
    word = mixed ^ mixed >> 31;
  }
}

std::uint64_t Random::next() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::uint64_t Random::below(std::uint64_t bound) {
  return bound == 0 ? 0 : next() % bound;
}

void Chance::note(std::string_view what) {
  const auto found = happened_.find(what);
  if (found == happened_.end())
    happened_.emplace(what, 1);
  else
    ++found->second;
}

bool Chance::strikes(std::uint32_t count, std::string_view what) {
  if (count == 0 || !random_.one_in(count)) return false;
  note(what);
  return true;
}

Outcome Chance::file_operation(const Op& op, bool reads_well) {
  const auto microseconds = [&](std::uint64_t low, std::uint64_t high) {
    return Outcome{.latency = std::chrono::microseconds{random_.between(low, high)}};
  };
  Outcome outcome = op.kind == OpKind::sync                  ? microseconds(50, 500)
                    : op.kind == OpKind::write && op.durable ? microseconds(60, 400)
                                                             : microseconds(2, 60);
  add_faults(op, reads_well, outcome);
  return outcome;
}

void Chance::add_faults(const Op& op, bool reads_well, Outcome& outcome) {
  const SimFaults::Disk& disk = faults_.disk;
  if (strikes(disk.slow, "disk: slow operation")) outcome.latency += up_to(std::chrono::seconds{3});
  if (op.kind == OpKind::read && !reads_well) {
    outcome.read_failed = strikes(disk.read_error, "disk: read error");
    if (outcome.read_failed) outcome.error = -EIO;
    outcome.rotten = strikes(disk.read_rot, "disk: wrong bit in a read");
  }
  if (op.kind != OpKind::write) return;
  if (strikes(disk.write_error, "disk: write error")) outcome.error = -EIO;
  if (strikes(disk.broken_file, "disk: file broken for writes")) {
    outcome.error = -EIO;
    outcome.breaks_file = true;
  }
  if (strikes(disk.short_write, "disk: short write")) outcome.bytes_max = kSimSector * random_.below(8);
  outcome.misdirected = outcome.error == 0 && strikes(disk.misdirected);
}

std::size_t Chance::segment(std::size_t available) {
  if (faults_.network.single_bytes) {
    if (available > 1) note("network: every byte alone");
    return 1;
  }
  std::uint64_t size = random_.between(1, 16U << 10);
  if (random_.one_in(8))
    size = 1;  // between any two bytes
  else if (random_.one_in(8))
    size = random_.between(1, 80);  // somewhere in a line
  else if (random_.one_in(3))
    size = 64U << 10;
  return std::min<std::size_t>(available, size);
}

std::size_t Chance::receive(std::size_t available) {
  const std::size_t most = std::min<std::size_t>(available, kReceiveTurn.count);
  return random_.one_in(4) ? static_cast<std::size_t>(random_.between(1, most)) : most;
}

}  // namespace ringpost::io::sim
