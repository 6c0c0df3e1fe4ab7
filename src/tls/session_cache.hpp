// Sessions that a client may resume, by destination.
//
// Layer: pure, private to tls.  Owner: one ClientContext, one core.
// Limits: kClientSessionsMax; the one unused for longest goes.
#pragma once

#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include "engine.hpp"

namespace ringpost::tls {

class SessionCache {
 public:
  // Owned by the cache, valid until the next put or erase; null when there is none.
  SSL_SESSION* find(std::string_view key) {
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return nullptr;
    entries_.splice(entries_.begin(), entries_, found->second);
    return found->second->session.get();
  }

  void put(std::string_view key, OwnedSslSession session) {
    erase(key);
    if (entries_.size() == kClientSessionsMax) erase(entries_.back().key);
    entries_.push_front({std::string(key), std::move(session)});
    by_key_.emplace(entries_.front().key, entries_.begin());
  }

  void erase(std::string_view key) {
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return;
    const auto entry = found->second;
    by_key_.erase(found);
    entries_.erase(entry);
  }

  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string key;
    OwnedSslSession session;
  };
  std::list<Entry> entries_;  // the last used first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_key_;
};

struct ClientContext::State {
  Engine engine;
  bool has_authorities = false;
  SessionCache sessions;
};

}  // namespace ringpost::tls
