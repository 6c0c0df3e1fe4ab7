// What a client needs to start TLS: trusted authorities and sessions to resume.
//
// Layer:  pure. PEM text in; the caller reads the file of authorities.
// Owner:  one core, with all sessions made from it. They keep its parts alive when it is replaced.
// Limits: kClientSessionsMax sessions; the one unused for longest goes.
// RFCs:   7435 (opportunistic security), 6125 (which names match), 8446 section 4.6.1.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "ringpost/base/result.hpp"
#include "ringpost/tls/options.hpp"
#include "ringpost/tls/session.hpp"

namespace ringpost::tls {

struct ClientSettings {
  // The system's are in /etc/ssl/certs/ca-certificates.crt. Empty: nothing can be verified, all checks not_asked.
  std::string authorities_pem;
  std::string authorities_path;  // only cited in errors
  Version version_min = Version::tls_1_2;
  Version version_max = Version::tls_1_3;  // lowered by tests and measurements only
};

enum class Verification : unsigned char {
  opportunistic,  // encrypt with whoever answers; Facts says whether the certificate would have been good
  required,       // the handshake fails unless a trusted authority vouches and `server_name` matches
};

struct Destination {
  std::string server_name;  // sent as SNI and compared with the certificate; an IP address is only compared
  Verification verification = Verification::opportunistic;
  std::string session_key;  // sessions resume under the same key, "mx.example.com:25"; empty: never
};

class ClientContext {
 public:
  struct State;  // known to tls alone

  static Result<std::unique_ptr<ClientContext>> build(const ClientSettings& settings);

  // The first flight is in the session's pending_output() at once.
  Result<Session> new_session(const Destination& destination);
  std::size_t cached_sessions() const;

  ClientContext(const ClientContext&) = delete;
  ClientContext& operator=(const ClientContext&) = delete;
  ~ClientContext();

 private:
  explicit ClientContext(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace ringpost::tls
