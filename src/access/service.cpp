#include "ringpost/access/service.hpp"

#include <algorithm>

#include "ringpost/base/assert.hpp"
#include "ringpost/net/connection.hpp"
#include "ringpost/store/limits.hpp"

#include "conversation.hpp"

namespace ringpost::access {

bool Listening::uncounted(const IpAddress& client) const {
  return std::ranges::any_of(uncounted_clients,
                             [&](const Network& network) { return network.contains(client); });
}

Service::Service(shard::Core& core, Parts parts)
    : core_(core), parts_(std::move(parts)), visitors_(core, figures_.open), desk_(core, *parts_.accounts) {
  parts_.places->enter(core.index(), *this);
  auto& registry = core.figures();
  registry.add("access_connections", "Connections of IMAP and POP3 clients taken.", figures_.connections);
  registry.add("access_connections_open", "Of them, open now on this core.", figures_.open);
  registry.add("access_refused_connections", "Connections turned away by a limit.",
               figures_.refused_connections);
  registry.add("access_logins", "Logins.", figures_.logins);
  registry.add("access_auth_failures", "Logins refused.", desk_.figures().failures);
  registry.add("access_auth_delayed", "Logins not looked at, after too many failures.",
               desk_.figures().delayed);
  registry.add("access_tls_failures", "TLS handshakes that failed.", figures_.tls_failures);
  registry.add("access_timeouts", "Clients that were silent for too long.", figures_.timeouts);
  registry.add("access_moved", "Connections given to the core of their mailboxes.", figures_.moved);
  registry.add("access_protocol_errors", "Commands that were wrong, or no commands.",
               figures_.protocol_errors);
}

Service::~Service() = default;

void Service::listen(std::size_t index, unsigned slot, io::Handle listening) {
  RP_ASSERT(index < parts_.snapshot->listeners.size());
  visitors_.listen(index, slot, listening,
                   [this](net::Visitors::Door& door, io::Handle socket) { return serve(door, socket); });
}

Task<void> Service::serve(net::Visitors::Door& door, io::Handle socket) {
  figures_.connections.add();
  visitors_.come();
  std::unique_ptr<Passage> passage;
  {
    net::Connection connection(core_, socket, core_.backend().peer_endpoint(socket));
    const auto conversation = make_conversation(*this, parts_.snapshot, door.index, connection);
    visitors_.add(*conversation);
    co_await conversation->run();
    passage = co_await see_off(*conversation, connection, door.slot);
  }
  if (passage) co_await move(std::move(passage));
  visitors_.go(door);
}

// Closes the connection, or packs it for the core of its mailboxes.
Task<std::unique_ptr<Passage>> Service::see_off(Conversation& conversation, net::Connection& connection,
                                                unsigned slot) {
  if (conversation.destination())
    if (auto passage = co_await depart(conversation, connection, slot)) co_return passage;
  co_await conversation.uncount();
  co_await connection.close();
  co_return nullptr;
}

// Asks first: a core that shuts down takes nobody.
Task<std::unique_ptr<Passage>> Service::depart(Conversation& conversation, net::Connection& connection,
                                               unsigned slot) {
  const unsigned there = *conversation.destination();
  Service* const service = &parts_.places->at(there);
  if (!co_await shard::ask(core_, there, [service](shard::Core&) { return service->expect(); })) {
    co_await conversation.stay_away();
    co_return nullptr;
  }
  auto parts = co_await connection.hand_over();
  if (parts) co_return std::make_unique<Passage>(conversation.pack(std::move(*parts), slot));
  co_await shard::ask(core_, there, [service](shard::Core&) {
    service->call_off();
    return true;
  });
  co_return nullptr;
}

Task<void> Service::move(std::unique_ptr<Passage> passage) {
  figures_.moved.add();
  const unsigned there = passage->destination;
  Service* const service = &parts_.places->at(there);
  co_await shard::ask(core_, there, [service, moving = passage.release()](shard::Core&) {
    service->welcome(std::unique_ptr<Passage>(moving));
    return true;
  });
}

bool Service::expect() {
  if (draining()) return false;
  visitors_.come();
  return true;
}

void Service::welcome(std::unique_ptr<Passage> passage) {
  core_.spawn(serve_passage(std::move(passage)));
}

namespace {

// What an operator's session may do that clients may not: messages of any size, with the UIDs that they have elsewhere.
std::shared_ptr<const Snapshot> operator_snapshot() {
  auto snapshot = std::make_shared<Snapshot>();
  Listening& listening = snapshot->listeners.emplace_back();
  listening.name = "admin";
  listening.speaks = Speaks::imap;
  listening.imap.append_limit = store::kMessageSizeMax;
  listening.imap.capabilities.add(imap::Capability::restore);
  listening.imap.capabilities.remove(imap::Capability::unauthenticate);  // nobody logs in there
  // It is in the mailboxes of its user alone.
  listening.imap.capabilities.remove(imap::Capability::acl);
  listening.imap.capabilities.remove(imap::Capability::list_my_rights);
  return snapshot;
}

}  // namespace

void Service::welcome_operator(io::Handle socket, std::string user, bool alone) {
  core_.spawn(serve_operator(socket, std::move(user), alone));
}

Task<void> Service::serve_operator(io::Handle socket, std::string user, bool alone) {
  const bool refused = alone && !importing_.insert(user).second;
  {
    net::Connection connection(core_, socket, {});
    if (refused) {
      (void)connection.write(
          std::string_view("* BYE [INUSE] another import into these mailboxes is under way\r\n"));
      (void)co_await connection.flush(core_.now() + kSendTimeout);
    } else {
      const auto conversation = make_conversation(*this, operator_snapshot(), 0, connection);
      visitors_.add(*conversation);
      co_await conversation->run_for(user);
    }
    co_await connection.close();
  }
  if (alone && !refused) importing_.erase(user);
  visitors_.go();
}

// This core may have no such listener: the count of its connections is kept all the same. Who is not let in here may log in once
// more, as somebody whose mailboxes are elsewhere.
Task<void> Service::serve_passage(std::unique_ptr<Passage> passage) {
  const unsigned slot = passage->slot;
  std::atomic<std::uint32_t>& count = core_.mesh().load(slot, core_.index());
  count.fetch_add(1, std::memory_order_relaxed);
  std::unique_ptr<Passage> next;
  {
    net::Connection connection(core_, std::move(passage->connection));
    const auto conversation = make_conversation(*this, passage->snapshot, passage->index, connection);
    visitors_.add(*conversation);
    co_await conversation->arrive(std::move(passage));
    next = co_await see_off(*conversation, connection, slot);
  }
  if (next) co_await move(std::move(next));
  count.fetch_sub(1, std::memory_order_relaxed);
  visitors_.go();
}

}  // namespace ringpost::access
