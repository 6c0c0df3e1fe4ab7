#include "sink_core.hpp"

#include <limits>

#include "ringpost/crypto/certificate.hpp"
#include "ringpost/mail/limits.hpp"

#include "limits.hpp"
#include "sink_conversation.hpp"

namespace ringpost::loadgen {

namespace {

smtp::ServerSettings session_settings(const SinkOptions& options, const Persona& persona) {
  smtp::ServerSettings settings;
  settings.dialect = options.protocol == Protocol::lmtp ? smtp::Dialect::lmtp : smtp::Dialect::smtp;
  settings.hostname = options.hostname;
  settings.banner = options.protocol == Protocol::lmtp ? "LMTP loadgen sink" : "ESMTP loadgen sink";
  if (persona.tls == TlsUse::starttls)
    settings.tls = persona.tls_required ? smtp::TlsOffer::required : smtp::TlsOffer::offered;
  if (options.login) settings.mechanisms = sasl::MechanismSet::passwords();
  settings.auth_needs_tls = false;
  settings.message_size_max = kMessageSizeMax;
  settings.recipients_max = kRecipientsMax;
  settings.chunking = options.chunking;
  // The sink refuses by order and takes what comes: offences are the business of the server under test.
  constexpr auto kNever = std::numeric_limits<std::uint32_t>::max();
  settings.errors_max = settings.rejections_max = settings.idle_commands_max = kNever;
  settings.auth_failures_max = kNever;
  return settings;
}

}  // namespace

Result<std::unique_ptr<SinkPlan>> SinkPlan::make(SinkOptions chosen, WallTime now) {
  auto plan = std::make_unique<SinkPlan>();
  chosen.everyone.tls = chosen.tls;
  bool tls = false;
  const auto add = [&](const Persona& persona) {
    tls = tls || persona.tls != TlsUse::none;
    plan->personas.push_back(std::make_unique<PersonaState>(persona, session_settings(chosen, persona)));
  };
  add(chosen.everyone);
  for (const Persona& persona : chosen.personas) add(persona);
  if (!chosen.received_file.empty()) plan->received = RP_TRY(LineFile::open(chosen.received_file));
  if (tls) {
    auto made = RP_TRY(crypto::make_self_signed({.common_name = chosen.hostname,
                                                 .names = {"localhost", "127.0.0.1", "::1"},
                                                 .not_before = now,
                                                 .valid_for = std::chrono::hours{24} * 30}));
    plan->certificate.main.certificate_pem = std::move(made.certificate_pem);
    plan->certificate.main.key_pem = std::move(made.key_pem);
    plan->ticket_keys = RP_TRY(tls::TicketKeys::generate());
  }
  plan->options = std::move(chosen);
  return plan;
}

Result<std::unique_ptr<SinkCore>> SinkCore::make(shard::Core& core, SinkPlan& plan) {
  std::shared_ptr<const tls::ServerContext> tls;
  if (plan.ticket_keys) tls = RP_TRY(tls::ServerContext::build(plan.certificate, plan.ticket_keys));
  return std::make_unique<SinkCore>(core, plan, std::move(tls));
}

SinkCore::SinkCore(shard::Core& core, SinkPlan& plan, std::shared_ptr<const tls::ServerContext> tls)
    : core_(core),
      plan_(plan),
      tls_(std::move(tls)),
      received_(core, plan.received.get()),
      random_(plan.options.common.seed + core.index()),
      stopping_signal_(core),
      scratch_(kScratchBytes),
      started_(core.now()) {}

SinkCore::~SinkCore() = default;

void SinkCore::listen(unsigned slot, io::Handle listening) {
  const std::size_t door = doors_.size();
  auto listener = std::make_unique<shard::Listener>(
      core_, slot, listening,
      [this, door](shard::Core& core, io::Handle socket) { core.spawn(serve(door, socket)); });
  doors_.push_back({std::move(listener), &plan_.persona_of(slot)});
}

void SinkCore::arm() {
  for (const auto& door : doors_) door.listener->arm();
}

Task<void> SinkCore::serve(std::size_t door, io::Handle socket) {
  figures_.connections.add();
  net::Connection connection(core_, socket, core_.backend().peer_endpoint(socket));
  {
    SinkConversation conversation(*this, *doors_[door].persona, connection);
    conversations_.push_back(conversation);
    co_await conversation.run();
  }
  co_await connection.close();
  doors_[door].listener->ended();
}

void SinkCore::stop() {
  if (std::exchange(stopping_, true)) return;
  for (const auto& door : doors_) door.listener->stop();
  stopping_signal_.notify_all();
  conversations_.for_each([](SinkConversation& conversation) { conversation.nudge(); });
  core_.spawn(close_doors());
}

Task<void> SinkCore::close_doors() {
  for (const auto& door : doors_) co_await door.listener->stopped();
}

void SinkCore::abort() {
  conversations_.for_each([](SinkConversation& conversation) { conversation.abort(); });
}

}  // namespace ringpost::loadgen
