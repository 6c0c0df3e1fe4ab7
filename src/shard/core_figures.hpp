// What every core counts about itself.
#pragma once

#include "ringpost/observe/registry.hpp"
#include "ringpost/shard/core.hpp"

#include "turn_watch.hpp"

namespace ringpost::shard {

struct Core::Figures {
  observe::Counter turns, completions, busy_ns, idle_ns, stalls, timers_fired;
  observe::Counter messages_sent, messages_received, rings_full, offloaded;
  observe::Counter accepted, handed_over, accept_pauses;
  observe::Gauge buffer_bytes, frame_bytes, live_tasks;
  observe::Gauge buffer_limit, receive_buffers, receive_buffers_taken, operations;
  observe::Counter cpu_ns, receive_buffers_short;
  std::array<observe::Counter, kTurnPhases> stalls_in;
  observe::Histogram completions_per_turn, turn_pieces, stall_ns;

  // Not shown as they are: what the figures are made from.
  TurnWatch watch;
  struct ThreadLook {
    Instant at;
    Duration thread_time{0};
    std::uint64_t busy_ns = 0;  // as counted
  } look;

  explicit Figures(observe::Registry& registry) {
    registry.add("core_turns", "Turns of the loop.", turns);
    registry.add("core_completions", "Completions of I/O operations.", completions);
    registry.add("core_completions_per_turn", "Completions of a turn that had any.", completions_per_turn);
    registry.add("core_busy_ns", "Time in turns, with the entry into the kernel when it did not wait.",
                 busy_ns);
    registry.add("core_idle_ns", "Time in the kernel when it could wait, with the submission before it.",
                 idle_ns);
    registry.add("core_cpu_ns", "CPU time of the core's thread, a tenth of a second old.", cpu_ns);
    registry.add("core_stalls", "Turns that worked for more than a millisecond.", stalls);
    registry.add("core_stall_ns", "Length of such turns.", stall_ns);
    for (std::size_t i = 0; i < kTurnPhases; ++i)
      registry.add("core_stalls_in_" + std::string(phase_name(static_cast<TurnPhase>(i))),
                   "Of the stalls, those whose largest part this phase of the turn was.", stalls_in[i]);
    registry.add("core_turn_pieces", "Coroutines, messages and timers that a turn ran, when it ran any.",
                 turn_pieces);
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
    registry.add("core_buffer_limit_bytes", "What message buffers may use.", buffer_limit);
    registry.add("core_receive_buffers", "Receive buffers that the kernel can fill.", receive_buffers);
    registry.add("core_receive_buffers_taken",
                 "The most receive buffers used up in one turn of the last tenth of a second.",
                 receive_buffers_taken);
    registry.add("core_receive_buffers_short", "Receives that found no buffer free and were armed again.",
                 receive_buffers_short);
    registry.add("core_operations", "I/O operations under way: connections that are listened to, writes.",
                 operations);
    registry.add("core_frame_bytes", "Coroutine frames in use.", frame_bytes);
    registry.add("core_live_tasks", "Root tasks alive: connections and services.", live_tasks);
  }
};

}  // namespace ringpost::shard
