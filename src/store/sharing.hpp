// What the stores of all cores share: who has what at start, then who owns whom.
//
// Layer: durable, private. Locked, and used at start only; but for `owner_of`, which reads what no longer changes, and `shares`.
#pragma once

#include <atomic>
#include <mutex>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "ringpost/store/store.hpp"

#include "returning.hpp"
#include "shares.hpp"

namespace ringpost::store {

struct Sharing::State {
  explicit State(unsigned cores) : stores(cores, nullptr) {}

  // The phases of a start, in each of which every core says that it is done before any goes on.
  enum class Phase : std::uint8_t { known, given, wanted, held, phases };
  void done(Phase phase) { ++finished[static_cast<std::size_t>(phase)]; }
  bool all_done(Phase phase) const { return finished[static_cast<std::size_t>(phase)] == stores.size(); }

  // `newest`: number of the last change that this core knows of.
  void know(UserId user, unsigned core, std::uint64_t newest) {
    const std::lock_guard lock(mutex);
    const auto [place, added] = known.try_emplace(user.value, Known{core, newest});
    if (added) return;
    place->second.several = true;
    if (newest > place->second.newest || (newest == place->second.newest && core < place->second.core)) {
      place->second.core = core;
      place->second.newest = newest;
    }
  }
  unsigned hashed(UserId user) const {
    return static_cast<unsigned>((user.value >> 32) * stores.size() >> 32);
  }
  unsigned owner_of(UserId user) const {
    const auto found = known.find(user.value);
    return found == known.end() ? hashed(user) : found->second.core;
  }

  struct Known {
    unsigned core = 0;
    std::uint64_t newest = 0;
    bool several = false;  // more than one core has records
  };
  std::mutex mutex;
  std::atomic<unsigned> finished[static_cast<std::size_t>(Phase::phases)]{};
  std::vector<Store::State*> stores;               // by core; set before any of them is opened
  std::unordered_map<std::uint64_t, Known> known;  // not changed after Phase::known
  struct Given {
    unsigned from = 0;
    Returning::Export what;
  };
  std::unordered_map<std::uint64_t, std::vector<Given>> given;  // by user
  // Users of whom the owner has all in his own log: he needs nothing that others have.
  std::unordered_set<std::uint64_t> complete;
  std::unordered_map<std::uint64_t, std::vector<unsigned>> wanted;  // blob: cores that miss it
  std::unordered_map<std::uint64_t, std::vector<unsigned>>
      holders;  // blob: cores that have it, or parts of it
  Shares shares;
};

}  // namespace ringpost::store
