// Messages at level through that are under way: what the next hop says of each recipient, from who sends to who must answer
// the client.
//
// Layer:  paths. Owner: the intake of one core; a Passage stands in the frame of the flow that answers.
// Ends:   only who sends decides. It does so for every recipient of every message that is announced to it, within a bound of
//         its own, so that the client never hears of one end while another is still possible.
// Limits: a passage for each client that waits, so as many as there are connections.
#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "ringpost/base/ids.hpp"
#include "ringpost/base/task.hpp"
#include "ringpost/mail/reply.hpp"
#include "ringpost/observe/registry.hpp"
#include "ringpost/shard/await.hpp"
#include "ringpost/shard/core.hpp"

namespace ringpost::intake {

class Passages {
 public:
  explicit Passages(shard::Core& core);

  class Passage {
   public:
    Passage(Passages& all, MessageId id, std::size_t recipients);
    ~Passage();
    Passage(const Passage&) = delete;
    Passage& operator=(const Passage&) = delete;
    // When there is a reply for each recipient: those, in their order. Once.
    Task<std::vector<mail::Reply>> decided();
    friend FramePool& frame_pool(Passage& passage) { return passage.core_.frames(); }

   private:
    friend class Passages;
    shard::Core& core_;
    Passages& all_;
    MessageId id_;
    std::vector<mail::Reply> replies_;
    std::size_t undecided_;
    shard::Signal complete_;
  };

  // The first word about a recipient counts. Messages that nobody waits for are ignored.
  void decide(MessageId id, std::uint32_t recipient, mail::Reply reply);
  std::size_t count() const { return open_.size(); }

 private:
  void note_count() { figures_.open.set(static_cast<std::int64_t>(open_.size())); }

  shard::Core& core_;
  std::unordered_map<std::uint64_t, Passage*> open_;
  struct Figures {
    observe::Gauge open;
    observe::Counter taken, temporary, permanent;
  } figures_;
};

}  // namespace ringpost::intake
