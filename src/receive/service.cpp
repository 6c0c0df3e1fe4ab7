#include "ringpost/receive/service.hpp"

#include <algorithm>

#include "conversation.hpp"

namespace ringpost::receive {

Service::Service(shard::Core& core, Parts parts)
    : core_(core), parts_(std::move(parts)), visitors_(core, figures_.open), desk_(core, *parts_.accounts) {
  auto& registry = core.figures();
  registry.add("receive_connections", "Connections taken.", figures_.connections);
  registry.add("receive_connections_open", "Connections open now.", figures_.open);
  registry.add("receive_refused_connections", "Connections turned away by a limit.",
               figures_.refused_connections);
  registry.add("receive_messages_rejected", "Messages refused.", figures_.messages_rejected);
  registry.add("receive_recipients_rejected", "Recipients refused.", figures_.recipients_rejected);
  registry.add("receive_senders_rejected", "Senders refused: the address is not the login's.",
               figures_.senders_rejected);
  registry.add("receive_auth_failures", "Logins refused.", desk_.figures().failures);
  registry.add("receive_auth_delayed", "Logins not looked at, after too many failures.",
               desk_.figures().delayed);
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
  visitors_.listen(index, slot, listening,
                   [this](net::Visitors::Door& door, io::Handle socket) { return serve(door, socket); });
}

void Service::reload(std::shared_ptr<const Snapshot> snapshot) {
  RP_ASSERT(snapshot->listeners.size() == parts_.snapshot->listeners.size());
  parts_.snapshot = std::move(snapshot);
}

Task<void> Service::serve(net::Visitors::Door& door, io::Handle socket) {
  figures_.connections.add();
  visitors_.come();
  {
    net::Connection connection(core_, socket, core_.backend().peer_endpoint(socket));
    {
      Conversation conversation(*this, parts_.snapshot, door.index, connection);
      visitors_.add(conversation);
      co_await conversation.run();
    }
    co_await connection.close();
  }
  visitors_.go(door);
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
