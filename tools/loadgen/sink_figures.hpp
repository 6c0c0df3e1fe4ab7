// What a sink counts: on each core, and for the whole machine.
//
// Layer: tool.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/observe/registry.hpp"

namespace ringpost::loadgen {

// One core writes, others may read.
struct SinkFigures {
  observe::Counter connections;
  observe::Counter turned_away;  // over --max-connections
  observe::Counter tls_sessions;
  observe::Counter tls_failures;
  observe::Counter messages;    // accepted, with and without id
  observe::Counter recipients;  // of these
  observe::Counter bytes;
  observe::Counter foreign;       // without a readable id
  observe::Counter bad;           // the checksum is missing or another
  observe::Counter out_of_order;  // after a later message of the same sender core, on the same connection
  observe::Counter rejected_temporary;
  observe::Counter rejected_permanent;
  observe::Counter dropped;
  observe::Counter stalled;
  observe::Counter frozen;        // waited for the end of a freeze
  observe::Counter lost;          // the client left within a transaction
  observe::Histogram transit_ns;  // from the intended start to the end of data here
};

// How many there are, and were at most. Any core.
class Concurrency {
 public:
  std::uint64_t enter();  // how many there are with this one
  void leave() { now_.fetch_sub(1, std::memory_order_relaxed); }
  std::uint64_t now() const { return now_.load(std::memory_order_relaxed); }
  std::uint64_t peak() const { return peak_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> now_{0};
  std::atomic<std::uint64_t> peak_{0};
};

// Connections and messages by domain of their recipients. Any core; locked, because a connection comes here
// only when it turns to another domain, and exact figures over all cores are what leases are checked with.
class DomainTable {
 public:
  struct Entry {
    std::uint64_t connections = 0;
    std::uint64_t peak = 0;
    std::uint64_t messages = 0;
  };
  using Entries = std::map<std::string, Entry, std::less<>>;

  // False when there are too many domains: then it is not counted, and must not leave.
  bool enter(std::string_view domain);
  void leave(std::string_view domain, std::uint64_t messages);
  Entries entries() const;
  std::uint64_t uncounted() const;

 private:
  mutable std::mutex mutex_;
  Entries entries_;
  std::uint64_t uncounted_ = 0;
};

// Which (message, recipient) pairs came, as hashes; repeats are found at the end.
class Receipts {
 public:
  void add(std::string_view id, std::string_view recipient);
  const std::vector<std::uint64_t>& all() const { return hashes_; }
  bool overflowed() const { return overflowed_; }

 private:
  std::vector<std::uint64_t> hashes_;
  bool overflowed_ = false;
};

// How many of all pairs had come before. Sorts `hashes`.
std::uint64_t count_repeats(std::vector<std::uint64_t>& hashes);

}  // namespace ringpost::loadgen
