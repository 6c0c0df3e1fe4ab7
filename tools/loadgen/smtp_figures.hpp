// What the sender counts on one core.
//
// Layer: tool. One core writes, others may read the counters.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "ringpost/mail/reply.hpp"
#include "ringpost/observe/registry.hpp"

namespace ringpost::loadgen {

struct SmtpFigures {
  observe::Counter begun;         // messages, not counting further attempts
  observe::Counter attempts;      // further ones
  observe::Counter acknowledged;  // messages with at least one recipient for which 250 came
  observe::Counter recipients;    // of these, those that were accepted
  observe::Counter bytes;         // of these, as their size is without dot stuffing
  observe::Counter refused;       // messages for which no attempt is left
  observe::Counter unanswered;    // the connection ended before the reply
  observe::Counter refused_recipients;
  observe::Counter connections;
  observe::Counter connect_failures;
  observe::Counter greet_failures;    // connected, but no `ready`: refused, no TLS, no login
  observe::Counter lost_connections;  // with messages under way
  observe::Counter timeouts;
  observe::Counter tls_sessions;
  observe::Counter tls_resumed;
  observe::Histogram latency_ns;  // of acknowledged messages, from the intended start

  // Refusals by their code.
  void note_refusal(const mail::Reply& reply);
  void note_trouble(const std::string& text);

  static constexpr int kCodesMax = 600;
  std::array<observe::Counter, kCodesMax> codes;
  std::map<int, std::string> examples;            // one reply of each code; read after the end
  std::map<std::string, std::uint64_t> troubles;  // what else went wrong; read after the end
};

}  // namespace ringpost::loadgen
