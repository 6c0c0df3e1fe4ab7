#include "ringpost/receive/service.hpp"

#include <algorithm>

#include "conversation.hpp"

namespace ringpost::receive {

// One listening socket of this core.
struct Service::Door {
  Door(Service& owner, std::size_t listening_index, unsigned slot, io::Handle listening)
      : index(listening_index),
        listener(owner.core_, slot, listening, [this, &owner](shard::Core& core, io::Handle socket) {
          core.spawn(owner.serve(*this, socket));
        }) {}
  std::size_t index;
  shard::Listener listener;
};

Service::Service(shard::Core& core, Parts parts) : core_(core), parts_(std::move(parts)), changed_(core) {
  auto& registry = core.figures();
  registry.add("receive_connections", "Connections taken.", figures_.connections);
  registry.add("receive_connections_open", "Connections open now.", figures_.open);
  registry.add("receive_refused_connections", "Connections turned away by a limit.",
               figures_.refused_connections);
  registry.add("receive_messages_rejected", "Messages refused.", figures_.messages_rejected);
  registry.add("receive_recipients_rejected", "Recipients refused.", figures_.recipients_rejected);
  registry.add("receive_senders_rejected", "Senders refused: the address is not the login's.",
               figures_.senders_rejected);
  registry.add("receive_auth_failures", "Logins refused.", figures_.auth_failures);
  registry.add("receive_auth_delayed", "Logins not looked at, after too many failures.",
               figures_.auth_delayed);
  registry.add("receive_tls_failures", "TLS handshakes that failed.", figures_.tls_failures);
  registry.add("receive_timeouts", "Clients that were silent for too long.", figures_.timeouts);
  registry.add("receive_lost", "Clients that left in the middle of a transaction.", figures_.lost);
  registry.add("receive_protocol_errors", "Commands that were wrong, out of order, too long or no commands.",
               figures_.protocol_errors);
  registry.add("receive_early_talkers", "Clients that spoke before the greeting.", figures_.early_talkers);
}

Service::~Service() = default;

void Service::listen(std::size_t index, unsigned slot, io::Handle listening) {
  RP_ASSERT(index < parts_.snapshot->listeners.size());
  doors_.push_back(std::make_unique<Door>(*this, index, slot, listening));
  doors_.back()->listener.arm();
}

void Service::reload(std::shared_ptr<const Snapshot> snapshot) {
  RP_ASSERT(snapshot->listeners.size() == parts_.snapshot->listeners.size());
  parts_.snapshot = std::move(snapshot);
}

Task<void> Service::serve(Door& door, io::Handle socket) {
  figures_.connections.add();
  figures_.open.set(static_cast<std::int64_t>(++open_));
  {
    net::Connection connection(core_, socket, core_.backend().peer_endpoint(socket));
    {
      const std::shared_ptr<const Snapshot> snapshot = parts_.snapshot;
      Conversation conversation(*this, snapshot, snapshot->listeners[door.index], connection);
      conversations_.push_back(conversation);
      co_await conversation.run();
    }
    co_await connection.close();
  }
  figures_.open.set(static_cast<std::int64_t>(--open_));
  door.listener.ended();
  changed_.notify_all();
}

// All cores together; each core's part is a moment old.
std::uint64_t Service::load(const Listening& listening) const {
  std::uint64_t sum = 0;
  for (const auto& door : doors_)
    if (&parts_.snapshot->listeners[door->index] == &listening)
      sum += door->listener.connections_everywhere();
  return sum;
}

void Service::drain() {
  draining_ = true;
  for (const auto& door : doors_) door->listener.stop();
  conversations_.for_each([](Conversation& conversation) { conversation.nudge(); });
}

Task<void> Service::stopped() {
  for (const auto& door : doors_) co_await door->listener.stopped();
  while (open_ > 0) co_await changed_.wait();
}

void Service::abort() {
  conversations_.for_each([](Conversation& conversation) { conversation.abort(); });
}

Listening make_listening(std::string name, const ListenerOptions& options, const std::string& hostname,
                         std::shared_ptr<const tls::ServerContext> tls) {
  Listening listening{.name = std::move(name), .options = options};
  smtp::ServerSettings& smtp = listening.smtp;
  smtp.dialect = options.protocol == Protocol::lmtp         ? smtp::Dialect::lmtp
                 : options.protocol == Protocol::submission ? smtp::Dialect::submission
                                                            : smtp::Dialect::smtp;
  smtp.hostname = hostname;
  smtp.banner = options.banner;
  if (tls != nullptr && options.tls == TlsMode::offered) smtp.tls = smtp::TlsOffer::offered;
  if (tls != nullptr && options.tls == TlsMode::required) smtp.tls = smtp::TlsOffer::required;
  if (options.protocol != Protocol::lmtp)
    smtp.mechanisms = sasl::MechanismSet{sasl::Mechanism::plain, sasl::Mechanism::login};
  smtp.auth_needs_tls = !options.auth_without_tls;
  smtp.message_size_max = options.message_size_limit;
  smtp.recipients_max = options.recipient_limit;
  smtp.errors_max = options.error_limit;
  smtp.bare_line_ending = options.bare_newline == BareNewline::normalize ? smtp::BareLineEnding::normalise
                                                                         : smtp::BareLineEnding::refuse;
  listening.client_rules = {.connections_max = options.client_connection_limit,
                            .connection_rate = options.client_connection_rate,
                            .message_rate = options.client_message_rate};
  listening.durability = options.durability == Level::disk      ? mail::Durability::disk
                         : options.durability == Level::relaxed ? mail::Durability::relaxed
                         : options.durability == Level::memory  ? mail::Durability::memory
                                                                : mail::Durability::through;
  if (listening.durability == mail::Durability::through) {
    // One answer stands for one recipient: RFC 5321 has no way to say that some have the mail and others must be tried again.
    if (options.protocol != Protocol::lmtp) smtp.recipients_max = 1;
    smtp.dsn = false;  // a report would be a message of ours
  }
  listening.tls = options.tls == TlsMode::none ? nullptr : std::move(tls);
  return listening;
}

}  // namespace ringpost::receive
