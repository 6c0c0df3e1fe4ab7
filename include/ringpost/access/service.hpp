// IMAP and POP3: connections of people to their mail, on one core.
//
// Layer:  services. Owner: one core. Listeners of the same number on every core.
// Moves:  a client logs in on the core that took the connection, and goes on, with its TLS and whatever it has sent already,
//         on the core that owns the mailboxes. The old core keeps nothing. So does one that selects a mailbox of somebody else, and
//         comes back with the next of his own.
// Limits: access/limits.hpp.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_set>
#include <vector>

#include "ringpost/access/limits.hpp"
#include "ringpost/access/maildrops.hpp"
#include "ringpost/access/spam_teacher.hpp"
#include "ringpost/accounts/accounts.hpp"
#include "ringpost/accounts/login_desk.hpp"
#include "ringpost/base/address.hpp"
#include "ringpost/imap/server_settings.hpp"
#include "ringpost/net/client_limits.hpp"
#include "ringpost/net/visitors.hpp"
#include "ringpost/observe/registry.hpp"
#include "ringpost/pop3/server_settings.hpp"
#include "ringpost/shard/await.hpp"
#include "ringpost/shard/core.hpp"
#include "ringpost/store/store.hpp"
#include "ringpost/tls/server_context.hpp"

namespace ringpost::net {
class Connection;
}

namespace ringpost::access {

enum class Speaks : std::uint8_t { nothing, imap, pop3 };

// One listener as its options say; immutable, derived once.
struct Listening {
  std::string name;
  Speaks speaks = Speaks::nothing;  // nothing: the listener is another service's
  std::shared_ptr<const tls::ServerContext> tls;
  bool implicit_tls = false;
  imap::ServerSettings imap;
  pop3::ServerSettings pop3;
  Duration idle_timeout = 30min;
  std::uint32_t connection_limit = 10'000;
  net::ClientRules client_rules;
  std::vector<Network> uncounted_clients;
  std::vector<Network> proxy_protocol_from;

  bool uncounted(const IpAddress& client) const;
};
struct Snapshot {
  std::vector<Listening> listeners;  // in the same order on every core and over reloads
  bool shares_with_anyone = false;   // rights may be given to "anyone" (mailboxes.anyone)
};

class Service;

// Where each core's service is, for connections that move. Made before the cores start.
class Places {
 public:
  explicit Places(unsigned cores) : services_(cores) {}
  void enter(unsigned core, Service& service) { services_[core] = &service; }
  Service& at(unsigned core) const { return *services_[core]; }

 private:
  std::vector<Service*> services_;
};

// Messages in the midst of which an answer broke off, because the rest was damaged: the newest kDamagedKept. The next time each is
// read to its end before an answer begins, so that its client hears of it and goes on.
class DamagedMessages {
 public:
  bool contains(store::BlobId message) const { return std::ranges::find(ids_, message) != ids_.end(); }
  void add(store::BlobId message) {
    if (contains(message)) return;
    if (ids_.size() == kDamagedKept) ids_.erase(ids_.begin());
    ids_.push_back(message);
  }

 private:
  std::vector<store::BlobId> ids_;
};

struct Passage;
class Conversation;

class Service {
 public:
  struct Parts {
    store::Store* store = nullptr;
    accounts::Accounts* accounts = nullptr;
    Places* places = nullptr;
    net::ClientLimits* clients = nullptr;  // shared by all cores; of IMAP and POP3 alone
    SpamTeacher* teacher = nullptr;        // of this core; none: moves teach nothing
    std::shared_ptr<const Snapshot> snapshot;
  };
  Service(shard::Core& core, Parts parts);
  ~Service();

  bool serves(std::size_t index) const { return parts_.snapshot->listeners[index].speaks != Speaks::nothing; }
  // `index`: of the listener; `slot`: the same on every core for this address.
  void listen(std::size_t index, unsigned slot, io::Handle listening);
  void reload(std::shared_ptr<const Snapshot> snapshot) { parts_.snapshot = std::move(snapshot); }
  // Takes no further connection and says goodbye to idle ones; `stopped` when the last has gone.
  void drain() { visitors_.drain(); }
  Task<void> stopped() { return visitors_.stopped(); }
  void abort() { visitors_.abort(); }
  // A connection whose mailboxes are here asks to come from another core: it counts as here from then on, so that this core does not end
  // before it has come, or has called off. False: this core is shutting down.
  bool expect();
  void call_off() { visitors_.go(); }
  void welcome(std::unique_ptr<Passage> passage);
  // An operator's connection, IMAP as `user` (canonical) without a login: the admin socket decides who may. On the owner core of
  // the mailboxes. Who calls has said expect() first. `alone`: with BYE when another such session of this user is open, for two
  // imports at once would each bring what the other brings.
  void welcome_operator(io::Handle socket, std::string user, bool alone);

  shard::Core& core() { return core_; }
  const Parts& parts() const { return parts_; }
  bool draining() const { return visitors_.draining(); }
  // Open connections of a listener, on all cores.
  std::uint64_t load(std::size_t index) const { return visitors_.load(index); }
  accounts::LoginDesk& desk() { return desk_; }
  // A maildrop belongs to one POP3 session at a time.
  Maildrops& maildrops() { return maildrops_; }
  DamagedMessages& damaged() { return damaged_; }
  // What has come and gone.
  struct Figures {
    observe::Counter connections, refused_connections, logins, tls_failures, timeouts, moved, protocol_errors;
    observe::Gauge open;
  };
  Figures& figures() { return figures_; }
  friend FramePool& frame_pool(Service& service) { return service.core_.frames(); }

 private:
  Task<void> serve(net::Visitors::Door& door, io::Handle socket);
  RP_OWN_FRAME Task<std::unique_ptr<Passage>> see_off(Conversation& conversation, net::Connection& connection,
                                                      unsigned slot);
  RP_OWN_FRAME Task<std::unique_ptr<Passage>> depart(Conversation& conversation, net::Connection& connection,
                                                     unsigned slot);
  RP_OWN_FRAME Task<void> move(std::unique_ptr<Passage> passage);
  Task<void> serve_passage(std::unique_ptr<Passage> passage);
  Task<void> serve_operator(io::Handle socket, std::string user, bool alone);

  shard::Core& core_;
  Parts parts_;
  Figures figures_;
  net::Visitors visitors_;
  accounts::LoginDesk desk_;
  Maildrops maildrops_;
  std::unordered_set<std::string> importing_;  // users into whose mail an operator brings some
  DamagedMessages damaged_;
};

}  // namespace ringpost::access
