// Requests to other servers over HTTP and HTTPS.
//
// Layer:  paths (runtime). Owner: one for the process; asked on any core, answers there.
// Thread: one of its own drives libcurl for all requests at once, so a server that is slow costs no core and no thread of the
//         offload pool.
// Trust:  a server's certificate and name are verified, always. No redirects, no proxy, no cookies, nothing but http and https.
// Limits: fetch/limits.hpp. A request has a deadline; what is longer than a limit is an error.
// RFCs:   9110, 9112; 7617 (Basic).
#pragma once

#include <memory>
#include <string>

#include "ringpost/base/result.hpp"
#include "ringpost/base/task.hpp"
#include "ringpost/base/units.hpp"
#include "ringpost/shard/core.hpp"

namespace ringpost::fetch {

// A POST. Texts without NUL.
struct Request {
  std::string url;
  std::string body;
  std::string content_type;
  std::string accept;
  std::string user;         // "": no Authorization
  std::string password;     // of `user`
  std::string authorities;  // a file of certificates in PEM; "": those of the system
  Duration timeout{};       // for all of it
};

struct Response {
  unsigned status = 0;
  std::string body;
};

class Client {
 public:
  static Result<std::unique_ptr<Client>> start();
  ~Client();
  // Errors: timed_out, exhausted (too many requests, an answer that is too long), cancelled (stop), temporary for all else; the
  // text says what libcurl says of it. Body and password are wiped when it returns.
  Task<Result<Response>> post(shard::Core& core, Request request);
  // Ends the thread; what is under way stays undone and is told so while its core runs. Before the cores stop.
  void stop();

 private:
  struct State;
  explicit Client(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace ringpost::fetch
