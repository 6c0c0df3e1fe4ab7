// The server side of one SASL exchange. Base64 is the business of the protocol that carries it.
//
// Layer:   pure.
// Owner:   the protocol session, for the length of one AUTH command.
// Input:   decoded client messages. Output: a challenge, credentials to verify, or an error.
// Limits:  sasl/limits.hpp; exceeding one is Step::malformed.
// States:  fresh -> asking -> verifying -> done. Verification happens elsewhere (off the reactor): the
//          exchange rests at `verify` until verdict(), so mechanisms with a last server message fit.
// RFCs:    4422, 4616.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "ringpost/sasl/mechanism.hpp"
#include "ringpost/sasl/secret.hpp"

namespace ringpost::sasl {

struct Credentials {
  std::string authorization_id;   // who to act as; empty: the same as authentication_id
  std::string authentication_id;  // whose password it is
  Secret password;

  void wipe() noexcept;
};

enum class Step : std::uint8_t {
  challenge,  // send challenge() and give the answer to answer()
  verify,     // check credentials(), then call verdict()
  accepted,   // done: the client is who it says
  refused,    // done: it is not
  malformed,  // done: the message broke the mechanism's grammar or a limit
};

class ServerExchange {
 public:
  virtual ~ServerExchange() = default;
  ServerExchange(const ServerExchange&) = delete;
  ServerExchange& operator=(const ServerExchange&) = delete;

  // `initial`: the client's first message if it came with the command (it may be empty), nullopt if none came.
  virtual Step start(std::optional<std::string_view> initial) = 0;
  virtual Step answer(std::string_view message) = 0;
  // Allowed once, after Step::verify. Wipes the credentials.
  virtual Step verdict(bool verified);

  // After Step::challenge, until the next call.
  std::string_view challenge() const { return challenge_; }
  // After Step::verify, until verdict(); the caller may move the parts out.
  Credentials& credentials() { return credentials_; }

 protected:
  ServerExchange() = default;
  std::string_view challenge_;
  Credentials credentials_;
};

std::unique_ptr<ServerExchange> make_server(Mechanism mechanism);

}  // namespace ringpost::sasl
