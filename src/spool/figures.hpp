// What the spool counts.
//
// Layer: durable, private.
#pragma once

#include "ringpost/observe/registry.hpp"

namespace ringpost::spool {

struct Figures {
  explicit Figures(observe::Registry& registry) {
    registry.add("spool_messages", "Messages in the queue.", messages);
    registry.add("spool_messages_tried", "Messages of which some recipient was tried.", tried);
    registry.add("spool_index_bytes", "Memory of the table of messages.", index_bytes);
    registry.add("spool_accepted", "Messages accepted.", accepted);
    registry.add("spool_accepted_bytes", "Bytes of messages accepted.", accepted_bytes);
    registry.add("spool_body_bytes", "Written of messages, moved ones again.", body_bytes);
    registry.add("spool_envelope_bytes", "Written of envelopes.", envelope_bytes);
    registry.add("spool_state_bytes", "Written about what has become of recipients of messages that go on.",
                 state_bytes);
    registry.add("spool_ending_bytes", "Written about messages that have ended, or moved.", ending_bytes);
    registry.add("spool_ended", "Messages whose recipients are all final.", ended);
    registry.add("spool_moved", "Messages moved so that their segment could be freed.", moved);
    registry.add("spool_moved_cold", "Of these, to a segment with others that expire at about the same time.",
                 moved_cold);
    registry.add("spool_in_memory", "Messages at level memory that are not written yet.", in_memory);
    registry.add("spool_unwritten_states", "Messages whose state waits for room in the log.",
                 unwritten_states);
    registry.add("spool_refused", "Messages refused for want of disk or memory, or after a write error.",
                 refused);
    registry.add("spool_refused_disk", "Of these, for want of disk.", refused_disk);
    registry.add("spool_refused_memory", "Of these, for want of memory.", refused_memory);
    registry.add("spool_refusing", "1 while new mail is refused; see ringpost queue summary for why.",
                 refusing);
    registry.add("spool_damaged", "Messages that could not be read back.", damaged);
  }

  observe::Gauge messages, tried, index_bytes, in_memory, unwritten_states;
  observe::Gauge refusing;
  observe::Counter body_bytes, envelope_bytes, state_bytes, ending_bytes;
  observe::Counter refused_disk, refused_memory;
  observe::Counter accepted, accepted_bytes, ended, moved, moved_cold, refused, damaged;
};

}  // namespace ringpost::spool
