// The seam between a resolver and the servers that know: a question goes out, the octets of a response come back.
//
// Layer:    path. Implementations: AresUpstream (UDP and TCP by c-ares), ScriptedUpstream (a table, for tests and
//           simulated worlds).
// Owner:    a Resolver; one core.
// Lifetime: a Request lives until its `done` was called, which happens exactly once, perhaps inside send().
#pragma once

#include <cstddef>
#include <expected>
#include <span>

#include "ringpost/base/task.hpp"
#include "ringpost/dns/answer.hpp"

namespace ringpost::resolve {

class Upstream {
 public:
  // The octets are valid only during the call; without a response, what stands for it (timeout, servfail, refused).
  using Response = std::expected<std::span<const std::byte>, dns::Status>;

  // Derive.
  struct Request {
    using Done = void (*)(Request& self, const Response& response);
    Request(dns::Question asked, Done function) : question(std::move(asked)), done(function) {}
    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;
    dns::Question question;
    Done done;
  };

  virtual ~Upstream() = default;
  virtual void send(Request& request) = 0;
  // Ends every request (as a server failure), at once. Nothing is to be sent afterwards. May be called again.
  virtual void abort() = 0;
  // The same, and returns when no operation is in flight.
  virtual Task<void> stop() = 0;
};

}  // namespace ringpost::resolve
