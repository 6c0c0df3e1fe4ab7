#include "ringpost/intake/passages.hpp"

#include "ringpost/base/assert.hpp"

namespace ringpost::intake {

Passages::Passages(shard::Core& core) : core_(core) {
  auto& registry = core.figures();
  registry.add("intake_through_open", "Messages at level through whose clients wait for the next hop.",
               figures_.open);
  registry.add("intake_through_taken", "Recipients at level through whose clients heard 250.",
               figures_.taken);
  registry.add("intake_through_temporary", "Recipients at level through whose clients heard 4yz.",
               figures_.temporary);
  registry.add("intake_through_permanent", "Recipients at level through whose clients heard 5yz.",
               figures_.permanent);
}

Passages::Passage::Passage(Passages& all, MessageId id, std::size_t recipients)
    : core_(all.core_),
      all_(all),
      id_(id),
      replies_(recipients),
      undecided_(recipients),
      complete_(all.core_) {
  const bool fresh = all_.open_.emplace(id.value, this).second;
  RP_ASSERT(fresh);
  all_.note_count();
}

Passages::Passage::~Passage() {
  all_.open_.erase(id_.value);
  all_.note_count();
}

Task<std::vector<mail::Reply>> Passages::Passage::decided() {
  while (undecided_ > 0) co_await complete_.wait();
  co_return std::move(replies_);
}

void Passages::decide(MessageId id, std::uint32_t recipient, mail::Reply reply) {
  const auto found = open_.find(id.value);
  if (found == open_.end()) return;
  Passage& passage = *found->second;
  RP_ASSERT(recipient < passage.replies_.size() && reply.code != 0);
  if (passage.replies_[recipient].code != 0) return;
  (reply.completed() ? figures_.taken : reply.permanent() ? figures_.permanent : figures_.temporary).add();
  passage.replies_[recipient] = std::move(reply);
  if (--passage.undecided_ == 0) passage.complete_.notify_all();
}

}  // namespace ringpost::intake
