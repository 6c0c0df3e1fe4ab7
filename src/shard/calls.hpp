// The questions of one core to others (shard::ask) and its answers to theirs.
//
// Owner: Core.
// Limits: kAskCredits questions in flight to each other core; so at most as many answers to each are owed, and an
//         outbox with room for both never refuses.
#pragma once

#include <vector>

#include "ringpost/shard/await.hpp"
#include "ringpost/shard/outbox.hpp"

namespace ringpost::shard {

class Calls {
 public:
  explicit Calls(Core& core) : outbox_(core, 2 * kAskCredits), peers_(core.count()) {}
  void start(detail::Asking& asking);
  void finish(detail::Asking& asking);
  void answer(detail::Asking& asking);

 private:
  struct Peer {
    std::size_t in_flight = 0;
    detail::Asking* first = nullptr;  // waiting for a credit
    detail::Asking* last = nullptr;
  };
  void send(detail::Asking& asking);
  Outbox outbox_;
  std::vector<Peer> peers_;
};

}  // namespace ringpost::shard
