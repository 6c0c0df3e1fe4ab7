// The receiving side: listeners, and one conversation for each connection.
//
// Layer:  services. Owner: one for each core. Connections stay on the core that greeted them.
// Reload: a conversation keeps the Snapshot with which it began; the next one takes the newest.
// Drain:  listeners close, idle clients hear 421 4.3.2, transactions may finish until the bound passes.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "ringpost/accounts/accounts.hpp"
#include "ringpost/accounts/login_desk.hpp"
#include "ringpost/intake/intake.hpp"
#include "ringpost/net/client_limits.hpp"
#include "ringpost/net/visitors.hpp"
#include "ringpost/observe/registry.hpp"
#include "ringpost/policy/policy.hpp"
#include "ringpost/receive/blocklists.hpp"
#include "ringpost/receive/options.hpp"
#include "ringpost/shard/core.hpp"
#include "ringpost/smtp/server_settings.hpp"
#include "ringpost/tls/server_context.hpp"

namespace ringpost::receive {

// One listener as its conversations see it.
struct Listening {
  std::string name;
  ListenerOptions options;
  smtp::ServerSettings smtp;
  net::ClientRules client_rules;
  mail::Durability durability = mail::Durability::disk;
  std::shared_ptr<const tls::ServerContext> tls;  // none: TLS is not offered
};

// Everything of the configuration that conversations use. Each core has its own, built alike.
struct Snapshot {
  std::vector<Listening> listeners;  // in the same order on every core and over reloads
  std::shared_ptr<const policy::Policy> policy;
  std::shared_ptr<const BlocklistRules> blocklists;  // null: there are none
};

// The settings of a session, derived once from its listener's options.
Listening make_listening(std::string name, const ListenerOptions& options, const std::string& hostname,
                         std::shared_ptr<const tls::ServerContext> tls);

class Conversation;

class Service {
 public:
  struct Parts {
    intake::Intake* intake = nullptr;
    accounts::Accounts* accounts = nullptr;
    net::ClientLimits* clients = nullptr;  // shared by all cores
    Blocklists* blocklists = nullptr;
    std::shared_ptr<const Snapshot> snapshot;
  };
  Service(shard::Core& core, Parts parts);
  ~Service();

  // Begins to accept for snapshot.listeners[index] on an open listening socket. `slot` is the same on every core and
  // different for each socket of the process.
  void listen(std::size_t index, unsigned slot, io::Handle listening);
  void reload(std::shared_ptr<const Snapshot> snapshot);
  // Stops accepting and asks clients to leave; `stopped` resumes when the last is gone. `abort` hangs up on the rest.
  void drain() { visitors_.drain(); }
  Task<void> stopped() { return visitors_.stopped(); }
  void abort() { visitors_.abort(); }

  bool draining() const { return visitors_.draining(); }
  std::size_t open_connections() const { return visitors_.open(); }
  const Snapshot& snapshot() const { return *parts_.snapshot; }

  shard::Core& core() { return core_; }
  friend FramePool& frame_pool(Service& service) { return service.core_.frames(); }

 private:
  friend class Conversation;
  Task<void> serve(net::Visitors::Door& door, io::Handle socket);

  struct Figures {
    observe::Counter connections, refused_connections, messages_rejected, recipients_rejected,
        senders_rejected, tls_failures, timeouts, lost, early_talkers, protocol_errors;
    observe::Gauge open;
  };
  shard::Core& core_;
  Parts parts_;
  Figures figures_;
  net::Visitors visitors_;
  accounts::LoginDesk desk_;
};

}  // namespace ringpost::receive
