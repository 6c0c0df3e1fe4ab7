#include "ringpost/access/service.hpp"

#include "ringpost/base/assert.hpp"
#include "ringpost/net/connection.hpp"

#include "conversation.hpp"

namespace ringpost::access {

// One listening socket of this core.
struct Service::Door {
  Door(Service& owner, std::size_t listening_index, unsigned number, io::Handle listening)
      : index(listening_index),
        slot(number),
        listener(owner.core_, number, listening, [this, &owner](shard::Core& core, io::Handle socket) {
          core.spawn(owner.serve(*this, socket));
        }) {}
  std::size_t index;
  unsigned slot;
  shard::Listener listener;
};

Service::Service(shard::Core& core, Parts parts) : core_(core), parts_(std::move(parts)), changed_(core) {
  parts_.places->enter(core.index(), *this);
  auto& registry = core.figures();
  registry.add("access_connections", "Connections of IMAP and POP3 clients taken.", figures_.connections);
  registry.add("access_connections_open", "Of them, open now on this core.", figures_.open);
  registry.add("access_refused_connections", "Connections turned away by a limit.",
               figures_.refused_connections);
  registry.add("access_logins", "Logins.", figures_.logins);
  registry.add("access_auth_failures", "Logins refused.", figures_.auth_failures);
  registry.add("access_tls_failures", "TLS handshakes that failed.", figures_.tls_failures);
  registry.add("access_timeouts", "Clients that were silent for too long.", figures_.timeouts);
  registry.add("access_moved", "Connections given to the core of their mailboxes.", figures_.moved);
  registry.add("access_protocol_errors", "Commands that were wrong, or no commands.",
               figures_.protocol_errors);
}

Service::~Service() = default;

void Service::listen(std::size_t index, unsigned slot, io::Handle listening) {
  RP_ASSERT(index < parts_.snapshot->listeners.size());
  doors_.push_back(std::make_unique<Door>(*this, index, slot, listening));
  doors_.back()->listener.arm();
}

Task<void> Service::serve(Door& door, io::Handle socket) {
  figures_.connections.add();
  figures_.open.set(static_cast<std::int64_t>(++open_));
  std::unique_ptr<Passage> passage;
  unsigned there = 0;
  {
    net::Connection connection(core_, socket, core_.backend().peer_endpoint(socket));
    const auto conversation = make_conversation(*this, parts_.snapshot, door.index, connection);
    add(*conversation);
    co_await conversation->run();
    if (conversation->destination()) {
      there = *conversation->destination();
      if (auto parts = co_await connection.hand_over())
        passage = std::make_unique<Passage>(conversation->pack(std::move(*parts), door.slot));
    }
    if (!passage) co_await connection.close();
  }
  if (passage) {
    figures_.moved.add();
    Service* const service = &parts_.places->at(there);
    co_await shard::ask(core_, there, [service, moving = passage.release()](shard::Core&) {
      service->welcome(std::unique_ptr<Passage>(moving));
      return true;
    });
  }
  door.listener.ended();
  leave();
}

void Service::leave() {
  figures_.open.set(static_cast<std::int64_t>(--open_));
  changed_.notify_all();
}

void Service::welcome(std::unique_ptr<Passage> passage) {
  core_.spawn(serve_passage(std::move(passage)));
}

// This core may have no such listener: the count of its connections is kept all the same.
Task<void> Service::serve_passage(std::unique_ptr<Passage> passage) {
  std::atomic<std::uint32_t>& count = core_.mesh().load(passage->slot, core_.index());
  figures_.open.set(static_cast<std::int64_t>(++open_));
  count.fetch_add(1, std::memory_order_relaxed);
  {
    net::Connection connection(core_, std::move(passage->connection));
    const auto conversation = make_conversation(*this, *passage, connection);
    add(*conversation);
    std::string user = std::move(passage->user);
    passage.reset();
    co_await conversation->arrive(std::move(user));
    co_await connection.close();
  }
  count.fetch_sub(1, std::memory_order_relaxed);
  leave();
}

// All cores together; each core's part is a moment old.
std::uint64_t Service::load(std::size_t index) const {
  std::uint64_t sum = 0;
  for (const auto& door : doors_)
    if (door->index == index) sum += door->listener.connections_everywhere();
  return sum;
}

void Service::drain() {
  draining_ = true;
  for (const auto& door : doors_) door->listener.stop();
  guests_.for_each([](Guest& guest) { guest.nudge(); });
}

Task<void> Service::stopped() {
  for (const auto& door : doors_) co_await door->listener.stopped();
  while (open_ > 0) co_await changed_.wait();
}

void Service::abort() {
  guests_.for_each([](Guest& guest) { guest.abort(); });
}

}  // namespace ringpost::access
