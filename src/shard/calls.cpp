#include "calls.hpp"

#include "ringpost/base/assert.hpp"

namespace ringpost::shard {

void Calls::start(detail::Asking& asking) {
  RP_ASSERT(asking.there < peers_.size());
  Peer& peer = peers_[asking.there];
  if (peer.in_flight < kAskCredits) {
    ++peer.in_flight;
    send(asking);
    return;
  }
  (peer.first == nullptr ? peer.first : peer.last->next) = &asking;
  peer.last = &asking;
}

void Calls::send(detail::Asking& asking) {
  const bool sent = outbox_.post(asking.there, Message::make([asking = &asking](Core& there) {
                                   asking->run(*asking, there);
                                   there.calls().answer(*asking);
                                 }));
  RP_ASSERT(sent);
}

// On the core that was asked. The frame of the asking coroutine stands still until the answer is there.
void Calls::answer(detail::Asking& asking) {
  const bool sent = outbox_.post(
      asking.home.index(), Message::make([asking = &asking](Core& home) { home.calls().finish(*asking); }));
  RP_ASSERT(sent);
}

void Calls::finish(detail::Asking& asking) {
  Peer& peer = peers_[asking.there];
  if (detail::Asking* next = peer.first; next != nullptr) {
    peer.first = next->next;
    send(*next);  // takes the credit over
  } else {
    --peer.in_flight;
  }
  asking.home.runs(asking.awaiting);
  asking.awaiting.resume();
}

}  // namespace ringpost::shard
