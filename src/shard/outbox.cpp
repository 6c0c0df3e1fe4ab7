#include "ringpost/shard/outbox.hpp"

namespace ringpost::shard {

Outbox::Outbox(Core& core, std::size_t capacity)
    : TurnHook(&Outbox::turn_ends), core_(core), capacity_(capacity), lines_(core.count()) {
  core.at_turn_end(*this);
}

bool Outbox::post(unsigned core, const Message& message) {
  if (waiting(core) == 0 && core_.post(core, message)) return true;
  if (waiting(core) == capacity_) return false;
  lines_[core].messages.push_back(message);
  ++waiting_;
  return true;
}

void Outbox::turn_ends(TurnHook& self) {
  auto& outbox = static_cast<Outbox&>(self);
  if (outbox.waiting_ == 0) return;
  for (unsigned core = 0; core < outbox.lines_.size(); ++core) outbox.flush(core);
}

void Outbox::flush(unsigned core) {
  Line& line = lines_[core];
  while (line.sent < line.messages.size() && core_.post(core, line.messages[line.sent])) {
    ++line.sent;
    --waiting_;
  }
  // Half of it has left: move the rest to the front, so that a line that is never quite empty stays bounded.
  if (line.sent * 2 < line.messages.size()) return;
  line.messages.erase(line.messages.begin(), line.messages.begin() + static_cast<std::ptrdiff_t>(line.sent));
  line.sent = 0;
}

}  // namespace ringpost::shard
