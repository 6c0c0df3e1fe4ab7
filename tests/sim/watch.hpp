// Looks at the running machine after each round and tells the ledger what the server says, and when it is durable; counts
// again what the server counts.
//
// Layer: simulator. Owner: the World. Asks the spools to flush, and changes nothing else.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "coverage.hpp"
#include "ledger.hpp"
#include "machine.hpp"

namespace ringpost::simulator {

class Watch {
 public:
  Watch(Machine& machine, const Profile& profile, io::SimWorld& world, Ledger& ledger, Coverage& coverage);

  // After a round.
  void look();
  // From time to time: figures, limits, memory. `idle`: nothing is under way, so gauges must be at zero.
  void recount(bool idle);
  // The machine has ended: what was not durable is forgotten, unless it stopped in good order.
  void forget();
  void settle();
  std::map<std::uint64_t, unsigned> queue();
  std::size_t queued();
  // Whether a spool has moved a message since this was asked last.
  bool has_moved();
  // Nothing is left but what the disk has ruined so that nobody can do anything with it.
  bool drained();

 private:
  struct Ended {
    MessageId id;
    std::string recipient;
  };
  struct Ends {  // of one core, not known to be durable yet
    std::deque<Ended> waiting;
    std::deque<Ended> asked;  // by the flush that is under way
  };
  void hear(unsigned core, const observe::EventView& event);
  void ask(unsigned core);
  Task<void> flush(shard::Core& core, spool::Spool& spool);
  void recount_core(unsigned core, bool idle);
  void count_connections();
  std::int64_t figure(unsigned core, std::string_view name);

  Machine& machine_;
  const Profile& profile_;
  io::SimWorld& world_;
  Ledger& ledger_;
  Coverage& coverage_;
  std::map<unsigned, Ends> ends_;
  std::int64_t moved_ = 0;
  std::map<unsigned, std::map<std::string, std::int64_t>> heard_;  // since the start, by core
};

}  // namespace ringpost::simulator
