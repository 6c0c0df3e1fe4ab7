// Looks at the running machine after each round and tells the ledger what the server says, and when it is durable; counts
// again what the server counts.
//
// Layer: simulator. Owner: the World. Asks the spools to flush, and changes nothing else.
#pragma once

#include <deque>
#include <functional>
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
  // What this life of the machine has done, for the coverage.
  void note_figures();
  std::function<bool(unsigned core)> stands_still;
  // The machine has ended: what was not durable is forgotten, unless it stopped in good order.
  void forget();
  void settle();
  std::map<std::uint64_t, unsigned> queue();
  std::size_t queued();
  // Whether a spool has moved a message since this was asked last.
  bool has_moved();
  // Clients wait for what their next hops say.
  bool passes();
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
  // A core that has mail for a destination, and no connection there.
  struct Hunger {
    Instant since;
    bool in_line = false;         // for a connection slot
    std::uint64_t overtaken = 0;  // recipients that other cores have delivered to there meanwhile
  };
  void hear(unsigned core, const observe::EventView& event);
  void ask(unsigned core);
  Task<void> flush(shard::Core& core, spool::Spool& spool);
  void recount_core(unsigned core, bool idle);
  void look_at_memory(unsigned core);
  void count_connections();
  void look_for_hunger(unsigned core, const deliver::QueueSummary& summary);
  void note_hunger(unsigned core, const deliver::DestinationSummary& destination);
  void note_overtaking(unsigned core, std::string_view destination);
  std::uint64_t overtaken_max() const;
  std::int64_t figure(unsigned core, std::string_view name);

  Machine& machine_;
  const Profile& profile_;
  io::SimWorld& world_;
  Ledger& ledger_;
  Coverage& coverage_;
  std::map<unsigned, Ends> ends_;
  std::map<std::pair<unsigned, std::string>, Hunger> hungry_;
  std::int64_t moved_ = 0;
  std::map<unsigned, std::map<std::string, std::int64_t>> heard_;  // since the start, by core
};

}  // namespace ringpost::simulator
