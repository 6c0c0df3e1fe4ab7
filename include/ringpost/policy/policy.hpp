// Who may send what to whom: pure answers to the questions that a receiving session asks.
//
// Layer:  judgement (base, mail). Facts in, verdict out; no I/O, no clock. Immutable; each core has its own copy.
// Rules:  a client of relay_networks, and one that has authenticated, may send anywhere. Everybody may send to local
//         domains (recipients that exist) and to relay_domains. Nothing else: 554 5.7.1. Local parts that ask to be
//         routed on (user%host, host!user, "user@host") are refused for local and relay domains alike unless the
//         client may relay: an address that hides another one is how relays were opened.
// RFCs:   5321 (postmaster, 4.5.1), 3463.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "ringpost/base/address.hpp"
#include "ringpost/mail/address.hpp"
#include "ringpost/mail/reply.hpp"
#include "ringpost/policy/options.hpp"

namespace ringpost::policy {

// Which local parts exist. Implemented over immutable snapshots (accounts, aliases); answers at once.
class Recipients {
 public:
  virtual ~Recipients() = default;
  // `local_part` is unquoted; the extension is still on it when `extension_removed` is false.
  virtual bool exists(std::string_view local_part, std::string_view domain) const = 0;
  // Whether mail from this address may come from this account: its own, or an alias that leads to it.
  virtual bool owned(std::string_view login, std::string_view local_part, std::string_view domain) const = 0;
};

struct Client {
  IpAddress address;   // none: unknown, and not trusted
  bool local = false;  // a submission on this host, which is trusted
  bool authenticated = false;
  bool lmtp = false;  // a trusted frontend that delivers: local recipients only
};

enum class Destination : unsigned char { local, relay };

struct Verdict {
  bool accepted = false;
  Destination destination = Destination::local;
  mail::Reply reply;  // when not accepted
};

class Policy {
 public:
  struct Settings {
    std::string hostname;
    PolicyOptions policy;
    DomainsOptions domains;
    std::shared_ptr<const Recipients> recipients;
  };
  explicit Policy(Settings settings);

  // May this client send to domains that are not ours?
  bool may_relay(const Client& client) const;
  bool trusted(const IpAddress& address) const;
  // RCPT TO, a canonical address.
  Verdict recipient(const Client& client, std::string_view address) const;
  // MAIL FROM, a canonical address or "", of a client that logged in: 553 5.7.1 when it is somebody else's. An extension
  // ("anna+news") belongs to whom the rest belongs; the empty one, of reports, to everybody.
  Verdict sender(std::string_view login, std::string_view address) const;
  // What RCPT TO:<postmaster> stands for, and any bare local part: at our own name.
  std::string qualify(std::string_view address) const;

  bool is_local_domain(std::string_view domain) const;
  bool is_relay_domain(std::string_view domain) const;
  unsigned hops_max() const { return settings_.policy.hops_max; }
  const Settings& settings() const { return settings_; }

 private:
  bool owns(std::string_view login, std::string_view local_part, std::string_view domain) const;
  bool local_recipient_exists(std::string_view local_part, std::string_view domain) const;
  Settings settings_;
  std::unordered_set<std::string> local_domains_;
  std::vector<std::string> relay_domains_;
};

}  // namespace ringpost::policy
