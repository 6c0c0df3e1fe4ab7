// What a server needs to accept TLS: certificates by name, the version floor, ticket keys.
//
// Layer:  pure. PEM text in; the caller reads the files.
// Owner:  immutable, behind shared_ptr<const>. Any core may use it, but signing takes a lock inside of the key, so each
//         core best builds its own from the same settings and the same TicketKeys. To reload, build another and swap;
//         sessions keep theirs.
// Limits: kServerNamesMax.
// RFCs:   6066 section 3 (SNI), 6125 (wildcards).
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "ringpost/base/result.hpp"
#include "ringpost/base/units.hpp"
#include "ringpost/tls/options.hpp"
#include "ringpost/tls/session.hpp"
#include "ringpost/tls/ticket_keys.hpp"

namespace ringpost::tls {

// A certificate with its chain, and its key. The paths are only cited in errors.
struct Identity {
  std::string certificate_pem;
  std::string key_pem;
  std::string certificate_path;
  std::string key_path;
};

struct ServerSettings {
  Identity main;  // for clients that ask for no name, or for one that we do not have
  std::map<std::string, Identity>
      names;  // "mail.example.net", or "*.example.net" for one label in place of the star
  Version version_min = Version::tls_1_2;
  Version version_max = Version::tls_1_3;  // lowered by tests and measurements only
};

class ServerContext {
 public:
  struct State;  // known to tls alone

  // An error cites the file, says what is wrong with it and how to mend it.
  static Result<std::shared_ptr<const ServerContext>> build(const ServerSettings& settings,
                                                            std::shared_ptr<const TicketKeys> keys);
  // The same certificates with other ticket keys, after a rotation.
  Result<std::shared_ptr<const ServerContext>> with_keys(std::shared_ptr<const TicketKeys> keys) const;

  Result<Session> new_session() const;

  ServerContext(const ServerContext&) = delete;
  ServerContext& operator=(const ServerContext&) = delete;
  ~ServerContext();

 private:
  explicit ServerContext(std::shared_ptr<const State> state);
  std::shared_ptr<const State> state_;
};

// What works but should be seen to, one line each: a certificate that has expired, is not yet valid, expires
// within 14 days, or does not cover the name that it is configured for. `build` need not have been called.
std::vector<std::string> warnings(const ServerSettings& settings, WallTime now);

}  // namespace ringpost::tls
