// Answers DNS over UDP on one address from a zone: for the load test's sink, and for tests of the resolver.
//
// Layer: path. Owner: one core. No TCP, no zone transfer, no recursion; not meant for the open Internet.
// Limits: a response is at most what the asker said it takes; a datagram that is no query is dropped.
#pragma once

#include <functional>
#include <memory>

#include "ringpost/base/result.hpp"
#include "ringpost/base/task.hpp"
#include "ringpost/dns/message.hpp"
#include "ringpost/shard/core.hpp"

namespace ringpost::resolve {

class DnsServer {
 public:
  // What to answer; nullopt stays silent. Usually `zone.respond(query)`.
  using Respond = std::function<std::optional<dns::Message>(const dns::Query& query)>;

  // Port 0 takes a free one.
  static Result<std::unique_ptr<DnsServer>> open(shard::Core& core, Endpoint where, Respond respond);
  ~DnsServer();

  Endpoint endpoint() const;
  // Serves until stop(); spawn it on the core.
  Task<void> serve();
  void stop();

 private:
  struct State;
  explicit DnsServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace ringpost::resolve
