// The server side of one SASL exchange. Base64 is the business of the protocol that carries it.
//
// Layer:   pure.
// Owner:   the protocol session, for the length of one AUTH command.
// Input:   decoded client messages. Output: a challenge, credentials to verify, or an error.
// Limits:  sasl/limits.hpp; exceeding one is Step::malformed.
// States:  fresh -> asking -> (keys) -> verifying -> (last word) -> done. What is known of the account comes from elsewhere:
//          the exchange rests at `keys` until take_keys(), and at `verify` until verdict(), which may be followed by one more
//          challenge (the server's proof of SCRAM, the error of a token) before it is done.
// RFCs:    4422, 4616, 5802, 7677, 7628, 9266.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "ringpost/sasl/mechanism.hpp"
#include "ringpost/sasl/scram_keys.hpp"
#include "ringpost/sasl/secret.hpp"

namespace ringpost::sasl {

// What stands behind a name.
enum class Evidence : std::uint8_t {
  password,  // to be verified
  token,     // in `password`; to be verified, and it tells whose it is (OAUTHBEARER gives no other name)
  proof,     // SCRAM: was verified against the keys that were given; `key` says how
};

struct Credentials {
  std::string authorization_id;   // who to act as; empty: the same as authentication_id
  std::string authentication_id;  // whose password it is
  Secret password;
  Evidence evidence = Evidence::password;
  std::optional<std::size_t> key;  // proof: which of the keys it fits; nullopt: none, the password is wrong

  void wipe() noexcept;
};

enum class Step : std::uint8_t {
  challenge,  // send challenge() and give the answer to answer()
  keys,       // find the keys of credentials().authentication_id, then call take_keys()
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
  // Allowed once, after Step::keys. For a name that does not exist: keys that no password has, the same ones every time.
  virtual Step take_keys(ScramKeys keys, const Material& material);
  // Allowed once, after Step::verify. Wipes the credentials. A proof that fits no key is refused whatever is said here.
  virtual Step verdict(bool verified);

  // After Step::challenge, until the next call.
  std::string_view challenge() const { return challenge_; }
  // After Step::keys and Step::verify, until verdict(); after Step::verify the caller may move the parts out.
  Credentials& credentials() { return credentials_; }

 protected:
  ServerExchange() = default;
  std::string_view challenge_;
  Credentials credentials_;
};

std::unique_ptr<ServerExchange> make_server(Mechanism mechanism);

}  // namespace ringpost::sasl
