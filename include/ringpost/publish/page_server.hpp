// Serves one page over HTTP/1.1: GET /metrics for Prometheus.
//
// Layer:   services. Owner: the main thread; one thread of its own, never a core.
// Clients: kPageClientsMax at a time, each with a deadline; more wait in the backlog. GET and HEAD; no TLS, no login:
//          listen where only those who may read it can connect.
// RFCs:    9110, 9112.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ringpost/base/result.hpp"

namespace ringpost::publish {

class PageServer {
 public:
  // Takes the listening sockets over, also when it fails. `page` makes the page anew for each request, on the thread.
  static Result<std::unique_ptr<PageServer>> start(std::vector<int> listening,
                                                   std::function<std::string()> page);
  ~PageServer();  // closes all and joins

 private:
  struct State;
  explicit PageServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace ringpost::publish
