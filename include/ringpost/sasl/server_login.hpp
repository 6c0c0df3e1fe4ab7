// One login at a server: an exchange inside the lines of a protocol, as AUTH and AUTHENTICATE carry it, or the name and password of
// LOGIN, USER and PASS. SMTP, IMAP and POP3 differ in the words around it.
//
// Layer:   pure.
// Owner:   the protocol session, from the command to its answer; it may move to another core at Turn::verify.
// Input:   base64 lines of the client, without their ends. Output: what to do next.
// Limits:  sasl/limits.hpp; the protocol bounds its lines.
// RFCs:    4422, 4648; 4954 (SMTP), 9051 and 4959 (IMAP), 5034 (POP3).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "ringpost/sasl/server.hpp"

namespace ringpost::sasl {

enum class Turn : std::uint8_t {
  ask,        // say append_challenge(), and give the next line to answer()
  keys,       // find the keys of credentials().authentication_id, then call take_keys()
  verify,     // check credentials(), then call verdict()
  accepted,   // the client is who it says
  refused,    // it is not
  cancelled,  // the client said "*"
  no_base64,
  malformed,  // what the mechanism does not allow
};

// Why a login is refused, in the words of no protocol.
enum class Refusal : std::uint8_t {
  credentials,
  temporary,  // nobody could look
  too_weak,   // this account needs a stronger mechanism, or TLS
  forbidden,  // may not act as the one that it named, or not by this protocol
  expired,    // the password
  in_use,     // POP3: another session holds the maildrop
  too_soon,   // POP3: LOGIN-DELAY has not passed
};

class ServerLogin {
 public:
  explicit ServerLogin(Mechanism mechanism)
      : exchange_(make_server(mechanism)), name_(traits(mechanism).name) {}
  // `command`: of the protocol, a literal. begin() says verify.
  ServerLogin(std::string_view command, std::string_view login, Secret password);

  // `initial`: what came with the command: "=" for nothing, nullopt when nothing came at all.
  Turn begin(std::optional<std::string_view> initial = std::nullopt);
  Turn answer(std::string_view line);
  Turn take_keys(ScramKeys keys, const Material& material);
  // After Turn::verify. One more challenge may follow (see ServerExchange).
  Turn verdict(bool verified);
  // After Turn::ask: the challenge in base64.
  void append_challenge(std::string& out) const;

  Credentials& credentials() { return exchange_->credentials(); }
  // Of the mechanism, or of the command.
  std::string_view name() const { return name_; }
  // The driver has said yes: whoever breaks off now has been let in already, and can only leave.
  bool verified() const { return verified_; }

 private:
  Turn read(std::string_view line, bool first);
  std::unique_ptr<ServerExchange> exchange_;
  std::string_view name_;
  bool verified_ = false;
};

}  // namespace ringpost::sasl
