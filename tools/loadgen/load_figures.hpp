// What every kind of load counts on one core.
//
// Layer: tool. One core writes, others may read the counters; the maps are read after the end.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "ringpost/observe/registry.hpp"

namespace ringpost::loadgen {

struct LoadFigures {
  observe::Counter begun;         // messages or operations, not counting further attempts
  observe::Counter attempts;      // further ones
  observe::Counter acknowledged;  // answered as they should be
  observe::Counter bytes;         // of these
  observe::Counter refused;       // for which no attempt is left
  observe::Counter unanswered;    // the connection ended before the reply
  observe::Counter connections;
  observe::Counter connect_failures;
  observe::Counter greet_failures;    // connected, but not ready for work: refused, no TLS, no login
  observe::Counter lost_connections;  // with something under way
  observe::Counter timeouts;
  observe::Counter tls_sessions;
  observe::Counter tls_resumed;
  observe::Histogram latency_ns;  // of what was acknowledged, from the intended start

  // `text` may hold what a peer said: it is cleaned here.
  void note_trouble(const std::string& text);
  std::map<std::string, std::uint64_t> troubles;  // what else went wrong
};

// Refusals by their code, with one of each as an example.
struct Refusals {
  struct Entry {
    std::uint64_t count = 0;
    std::string example;
  };
  std::map<std::string, Entry> by_code;

  // `code` and `example` are what a peer said: they are cleaned here.
  void note(const std::string& code, std::uint64_t count, const std::string& example);
  void add(const Refusals& other);
};

}  // namespace ringpost::loadgen
