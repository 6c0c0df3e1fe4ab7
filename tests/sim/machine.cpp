#include "machine.hpp"

#include <algorithm>

#include "clients.hpp"
#include "remotes.hpp"

namespace ringpost::simulator {

namespace {

receive::ListenerOptions listener(const Profile& profile, mail::Durability durability, receive::Level level) {
  receive::ListenerOptions options;
  options.address = {Clients::server(durability)};
  options.tls = receive::TlsMode::none;
  options.durability = level;
  options.client_connection_limit = profile.client_connection_limit;
  return options;
}

std::shared_ptr<const server::Material> make_material(const Profile& profile) {
  auto configuration = std::make_shared<server::Configuration>();
  configuration->server.hostname = "mx.origin.test";
  configuration->server.origin = "origin.test";
  configuration->server.ip_versions = {server::IpChoice::ipv4};
  configuration->listener["a-disk"] = listener(profile, mail::Durability::disk, receive::Level::disk);
  configuration->listener["b-relaxed"] =
      listener(profile, mail::Durability::relaxed, receive::Level::relaxed);
  configuration->listener["c-memory"] = listener(profile, mail::Durability::memory, receive::Level::memory);
  if (profile.through) {
    configuration->listener["d-through"] =
        listener(profile, mail::Durability::through, receive::Level::through);
    auto& lmtp = configuration->listener["e-through-lmtp"] =
        listener(profile, mail::Durability::through, receive::Level::through);
    lmtp.protocol = receive::Protocol::lmtp;
    lmtp.address = {Clients::server(mail::Durability::through, true)};
  }
  if (profile.origin_elsewhere) {
    auto& route = configuration->route["elsewhere"];
    route.match.domain = "origin.test";
    route.via = "lmtp:" + to_string(Remotes::mailboxes());
  }
  configuration->spool.directory = "/spool";
  configuration->spool.segment_size = profile.segment_size;
  configuration->spool.buffer_memory = 4_MiB;
  configuration->spool.segments_ahead = 2;
  configuration->spool.compact_after = profile.compact_after;
  configuration->spool.index_memory = profile.index_memory;
  configuration->policy.relay_networks = {Network::of(IpAddress::ipv4(10, 0, 0, 0), 8)};
  configuration->domains.local = {"origin.test"};
  configuration->domains.aliases = "";
  configuration->mailboxes.location =
      profile.store_mailboxes ? "store" : "lmtp:" + to_string(Remotes::mailboxes());
  configuration->retry.intervals = std::vector<Duration>{1min, 5min, 15min, 1h};
  configuration->retry.expire_after = 12h;
  configuration->retry.bounce_expire_after = 96h;
  configuration->retry.warn_after = profile.seed % 3 == 0 ? Duration{2h} : Duration{0};
  shaping::ShapingOptions shaping;
  shaping.connection_limit = profile.connection_limit;
  shaping.messages_per_connection = profile.messages_per_connection;
  shaping.recipients_per_transaction = profile.recipients_per_transaction;
  configuration->shaping["default"] = shaping;
  auto material = std::make_shared<server::Material>();
  material->configuration = std::move(configuration);
  return material;
}

// A crash runs no destructors.
std::vector<std::shared_ptr<void>>& graveyard() {
  static auto* graves = new std::vector<std::shared_ptr<void>>;
  return *graves;
}

}  // namespace

Machine::Machine(io::SimWorld& world, const Profile& profile, accounts::Accounts& accounts, Upstream upstream)
    : world_(world), material_(make_material(profile)), accounts_(accounts), upstream_(std::move(upstream)) {
  core_options_.memory_limit = profile.memory;
}

Result<void> Machine::listen(Part& part) {
  std::size_t index = 0;
  unsigned slot = 0;
  for (const auto& [name, options] : material_->configuration->listener) {
    for (const Endpoint& address : options.address) {
      for (unsigned core = 0; core < part.cores.size(); ++core) {
        const io::Handle handle = RP_TRY(part.backends[core]->listen(address, {}));
        part.shared.sockets.push_back({index, slot, core, handle});
      }
      ++slot;
    }
    ++index;
  }
  return {};
}

Result<void> Machine::prepare(unsigned cores) {
  part_ = std::make_unique<Part>(cores);
  Part& part = *part_;
  part.files = world_.make_backend(kHost);
  for (unsigned i = 0; i < cores; ++i) {
    part.backends.push_back(world_.make_backend(kHost));
    part.cores.push_back(std::make_unique<shard::Core>(shard::Core::Parts{
        .index = i, .backend = part.backends.back().get(), .mesh = &part.mesh, .options = &core_options_}));
  }
  part.shared.spool_start = RP_TRY(spool::start_spool(part.files->files(), material_->configuration->spool));
  RP_CHECK(listen(part));
  part.shared.accounts = &accounts_;
  part.shared.leases = &part.leases;
  part.shared.clients = &part.clients;
  part.shared.directives.resize(cores);
  part.shared.upstream = upstream_;
  part.shared.pickup = false;
  part.answers.resize(cores);
  for (unsigned i = 0; i < cores; ++i)
    part.services.push_back(std::make_unique<server::CoreServices>(*part.cores[i], part.shared));
  return {};
}

Task<void> Machine::answer(shard::Core&, Task<Result<void>> task, std::optional<Result<void>>& into) {
  into.emplace(co_await std::move(task));
}

Task<Result<void>> Machine::shut_down(server::CoreServices& services) {
  co_await services.shut_down(30s);
  co_return Result<void>{};
}

template <class F>
void Machine::on_all(Phase phase, F make) {
  phase_ = phase;
  for (auto& each : part_->answers) each.reset();
  for (unsigned i = 0; i < count(); ++i) core(i).spawn(answer(core(i), make(services(i)), part_->answers[i]));
}

bool Machine::all_answered() const {
  return std::ranges::all_of(part_->answers, [](const auto& each) { return each.has_value(); });
}

std::optional<Error> Machine::first_error() const {
  for (const auto& each : part_->answers)
    if (!*each) return each->error();
  return std::nullopt;
}

bool Machine::start(unsigned cores) {
  RP_ASSERT(phase_ == Phase::off);
  ++starts_;
  if (auto prepared = prepare(cores); !prepared) {
    trouble_ = prepared.error().text;
    crash(world_.fails(kHost));
    return false;
  }
  on_all(Phase::opening, [this](server::CoreServices& each) { return each.open(material_); });
  return true;
}

void Machine::stop() {
  RP_ASSERT(phase_ == Phase::running);
  on_all(Phase::stopping, &Machine::shut_down);
}

void Machine::step() {
  if (phase_ == Phase::off || phase_ == Phase::running || !all_answered()) return;
  if (const auto error = first_error()) {
    trouble_ = error->text;
    return crash(false);  // the process says why and ends
  }
  switch (phase_) {
    case Phase::opening:
      return on_all(Phase::starting, [](server::CoreServices& each) { return each.start(); });
    case Phase::starting:
      phase_ = Phase::running;
      return;
    case Phase::stopping: {
      // The last completions may still be on their way.
      if (std::ranges::any_of(part_->cores, [](const auto& each) { return each->live_tasks() > 0; })) return;
      part_->services.clear();
      part_->files->files().close(part_->shared.spool_start.lock);
      world_.kill(kHost);  // what is left of the process
      part_->cores.clear();
      part_.reset();
      phase_ = Phase::off;
      return;
    }
    default:
      return;
  }
}

void Machine::crash(bool power) {
  if (power)
    world_.power_cut(kHost);
  else
    world_.kill(kHost);
  abandon();
}

void Machine::abandon() {
  if (part_) graveyard().push_back(std::shared_ptr<Part>(part_.release(), [](Part*) {}));
  phase_ = Phase::off;
}

}  // namespace ringpost::simulator
