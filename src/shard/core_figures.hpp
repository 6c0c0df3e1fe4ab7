// What every core counts about itself.
#pragma once

#include "ringpost/observe/registry.hpp"
#include "ringpost/shard/core.hpp"

namespace ringpost::shard {

struct Core::Figures {
  observe::Counter turns, completions, busy_ns, idle_ns, stalls, timers_fired;
  observe::Counter messages_sent, messages_received, rings_full, offloaded;
  observe::Counter accepted, handed_over, accept_pauses;
  observe::Gauge buffer_bytes, frame_bytes, live_tasks;
  observe::Histogram completions_per_turn, turn_ns;

  explicit Figures(observe::Registry& registry) {
    registry.add("core_turns", "Turns of the loop.", turns);
    registry.add("core_completions", "Completions of I/O operations.", completions);
    registry.add("core_completions_per_turn", "Completions of a turn that had any.", completions_per_turn);
    registry.add("core_busy_ns", "Time in turns, with the entry into the kernel when it did not wait.",
                 busy_ns);
    registry.add("core_idle_ns", "Time in the kernel when it could wait, with the submission before it.",
                 idle_ns);
    registry.add("core_turn_ns",
                 "For how long each turn worked: nobody else of the core had his turn meanwhile.", turn_ns);
    registry.add("core_stalls", "Turns that worked for more than a millisecond.", stalls);
    registry.add("core_timers_fired", "Timers fired.", timers_fired);
    registry.add("core_messages_sent", "Messages put into the rings to other cores.", messages_sent);
    registry.add("core_messages_received", "Messages run from the rings of other cores.", messages_received);
    registry.add("core_rings_full", "Messages that a full ring refused at first.", rings_full);
    registry.add("core_offloaded", "Pieces of work given to the offload pool.", offloaded);
    registry.add("core_connections_accepted", "Connections accepted here.", accepted);
    registry.add("core_connections_handed_over", "Accepted here and given to another core.", handed_over);
    registry.add("core_accept_pauses", "Times that accepting paused for want of descriptors or memory.",
                 accept_pauses);
    registry.add("core_buffer_bytes", "Message buffers in use.", buffer_bytes);
    registry.add("core_frame_bytes", "Coroutine frames in use.", frame_bytes);
    registry.add("core_live_tasks", "Root tasks alive: connections and services.", live_tasks);
  }
};

}  // namespace ringpost::shard
