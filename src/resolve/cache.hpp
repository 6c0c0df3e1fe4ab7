// What one core knows of DNS: answers for as long as they hold, and the questions that are under way.
//
// Layer:    private to resolve. Owner: a Resolver.
// Lifetime: an entry lives while it is under way, kept or waited for, whichever ends last.
// Limits:   a budget in octets; the answer that was used longest ago leaves first.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <unordered_set>

#include "ringpost/base/intrusive_list.hpp"
#include "ringpost/dns/answer.hpp"
#include "ringpost/observe/registry.hpp"
#include "ringpost/resolve/upstream.hpp"
#include "ringpost/shard/await.hpp"

namespace ringpost::resolve {

// How long an answer is kept, from its TTL and status (resolve/limits.hpp).
Duration kept_for(const dns::Answer& answer);

class Cache {
 public:
  struct Entry : Upstream::Request, ListLink<Cache>, std::enable_shared_from_this<Entry> {
    Entry(Cache& owner, dns::Question asked);
    Cache& cache;
    shard::Signal answered;
    bool in_flight = true;
    dns::Answer answer;
    Instant asked_at;
    Instant expires;
    std::size_t cost = 0;

    // The answer with what is left of its TTL.
    dns::Answer read(Instant now) const;
  };

  Cache(shard::Core& core, std::unique_ptr<Upstream> upstream, Bytes size);
  ~Cache();
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;

  // The entry of a question: kept, under way, or sent now. nullptr: too many are under way, or we stopped.
  std::shared_ptr<Entry> want(const dns::Question& question);
  void abort();
  Task<void> stop();
  void count_timeout() { timeouts_.add(); }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(const dns::Question& question) const {
      return std::hash<dns::Question>{}(question);
    }
    std::size_t operator()(const std::shared_ptr<Entry>& entry) const { return (*this)(entry->question); }
  };
  struct Equal {
    using is_transparent = void;
    static const dns::Question& key(const dns::Question& question) { return question; }
    static const dns::Question& key(const std::shared_ptr<Entry>& entry) { return entry->question; }
    bool operator()(const auto& a, const auto& b) const { return key(a) == key(b); }
  };

  static void finished(Upstream::Request& request, const Upstream::Response& response);
  void finish(Entry& entry, const Upstream::Response& response);
  void keep(Entry& entry);
  void drop(Entry& entry);
  void count(const dns::Answer& answer);
  void register_figures();

  shard::Core& core_;
  std::unique_ptr<Upstream> upstream_;
  std::size_t size_max_;
  std::size_t size_ = 0;
  std::size_t in_flight_ = 0;
  bool stopped_ = false;
  std::unordered_set<std::shared_ptr<Entry>, Hash, Equal> entries_;
  IntrusiveList<Entry, Cache> by_use_;  // kept ones only; the front was used longest ago

  observe::Counter hits_;
  observe::Counter shared_;
  observe::Counter sent_;
  observe::Counter found_;
  observe::Counter negative_;
  observe::Counter failed_;
  observe::Counter timeouts_;
  observe::Counter refused_;
  observe::Counter evicted_;
  observe::Gauge in_flight_figure_;
  observe::Gauge size_figure_;
  observe::Histogram latency_;
};

}  // namespace ringpost::resolve
