#include "core_services.hpp"

#include <algorithm>
#include <unordered_map>

#include "ringpost/server/files.hpp"

namespace ringpost::server {

namespace {

std::shared_ptr<const intake::Settings> intake_settings(const Configuration& configuration) {
  return std::make_shared<intake::Settings>(
      intake::Settings{.hostname = configuration.hostname(),
                       .hops_max = configuration.policy.hops_max,
                       .expire_after = configuration.retry.expire_after,
                       .report_expire_after = configuration.retry.bounce_expire_after});
}

store::StoreSettings store_settings(const Configuration& configuration, const accounts::Accounts& accounts) {
  const auto quota_of = [&accounts](std::string_view user) -> std::optional<store::Quota> {
    const auto [local_part, domain] = mail::split_address(user);
    const auto directory = accounts.directory();
    const accounts::User* const account = directory->find(local_part, domain);
    if (account == nullptr || !account->quota) return std::nullopt;
    return store::Quota{.bytes_max = *account->quota};
  };
  return {.quota = {.bytes_max = configuration.mailboxes.quota.count}, .quota_of = quota_of};
}

std::shared_ptr<const inject::PickupSettings> pickup_settings(const Material& material,
                                                              std::shared_ptr<const policy::Policy> policy) {
  const Configuration& configuration = *material.configuration;
  return std::make_shared<const inject::PickupSettings>(
      inject::PickupSettings{.hostname = configuration.hostname(),
                             .origin = configuration.origin(),
                             .directory = configuration.server.pickup_directory.text,
                             .policy = std::move(policy)});
}

}  // namespace

// Shards on disk that no core of today owns: shared out in turn.
std::vector<unsigned> CoreServices::orphans() const {
  std::vector<unsigned> mine;
  for (const unsigned shard : shared_.spool_start.shards_on_disk)
    if (shard >= core_.count() && shard % core_.count() == core_.index()) mine.push_back(shard);
  return mine;
}

resolve::Identity CoreServices::identity() const {
  const Configuration& configuration = *material_->configuration;
  resolve::Identity identity;
  if (auto name = dns::Name::parse(configuration.hostname())) identity.names.push_back(*name);
  for (const auto& [name, listener] : configuration.listener)
    if (listener.protocol == receive::Protocol::smtp)
      for (const Endpoint& address : listener.address)
        if (!address.address.is_any()) identity.endpoints.push_back(address);
  identity.versions.clear();
  for (const IpChoice choice : configuration.server.ip_versions)
    identity.versions.push_back(choice == IpChoice::ipv4 ? IpVersion::ipv4 : IpVersion::ipv6);
  return identity;
}

Result<std::unique_ptr<resolve::Resolver>> CoreServices::make_resolver() const {
  const resolve::ResolverOptions& options = material_->configuration->resolver;
  if (!shared_.upstream) return resolve::Resolver::make(core_, options, identity());
  return std::make_unique<resolve::Resolver>(core_, shared_.upstream(core_), options.cache_size,
                                             resolve::Hosts{}, identity());
}

Task<Result<void>> CoreServices::open(std::shared_ptr<const Material> material) {
  material_ = std::move(material);
  const Configuration& configuration = *material_->configuration;
  store_ = std::make_unique<store::Store>(core_, shared_.mailboxes(core_.count()),
                                          store_settings(configuration, *shared_.accounts));
  spool_ = RP_CO_TRY(
      co_await spool::Spool::open(core_, configuration.spool, shared_.spool_start, orphans(), store_.get()));
  resolver_ = RP_CO_TRY(make_resolver());
  tls_clients_.push_back(RP_CO_TRY(tls::ClientContext::build(material_->tls_client)));
  intake_ = std::make_unique<intake::Intake>(core_, *spool_, intake_settings(configuration));
  dns_source_ = std::make_unique<intake::DnsSource>(core_, *resolver_);
  set_fact_sources();
  set_filter(material_->filter);
  local_ =
      RP_CO_TRY(deliver::Local::make(core_, *shared_.accounts, shared_.helper, local_settings(*material_)));
  local_->use_store(store_.get());
  const auto snapshot = RP_CO_TRY(make_snapshot(*material_, *shared_.accounts));
  deliver_ = std::make_unique<deliver::Service>(
      core_, deliver::Service::Parts{.spool = spool_.get(),
                                     .intake = intake_.get(),
                                     .resolver = resolver_.get(),
                                     .local = local_.get(),
                                     .leases = shared_.leases,
                                     .tls = tls_clients_.back().get(),
                                     .settings = RP_CO_TRY(deliver_settings(*material_, snapshot->policy)),
                                     .directives = shared_.directives[core_.index()]});
  blocklists_ = std::make_unique<receive::Blocklists>(core_, *resolver_);
  blocklists_->count_for(*snapshot->blocklists);
  receive_ =
      std::make_unique<receive::Service>(core_, receive::Service::Parts{.intake = intake_.get(),
                                                                        .accounts = shared_.accounts,
                                                                        .clients = shared_.clients,
                                                                        .blocklists = blocklists_.get(),
                                                                        .snapshot = snapshot});
  access_ = std::make_unique<access::Service>(
      core_, access::Service::Parts{.store = store_.get(),
                                    .accounts = shared_.accounts,
                                    .places = &shared_.places(core_.count()),
                                    .clients = &shared_.mailbox_clients(core_.count()),
                                    .teacher = &junk_lessons_,
                                    .snapshot = RP_CO_TRY(make_access_snapshot(*material_))});
  co_return Result<void>{};
}

Task<Result<void>> CoreServices::start() {
  for (const BoundSocket& socket : shared_.sockets) {
    if (socket.core != core_.index()) continue;
    if (access_->serves(socket.listener))
      access_->listen(socket.listener, socket.slot, socket.handle);
    else
      receive_->listen(socket.listener, socket.slot, socket.handle);
  }
  RP_CO_CHECK(co_await spool_->start(*deliver_));
  if (core_.index() == 0 && shared_.pickup) {
    pickup_ = std::make_unique<inject::Pickup>(core_, *intake_,
                                               pickup_settings(*material_, receive_->snapshot().policy));
    core_.spawn(run_pickup());
  }
  co_return Result<void>{};
}

Result<void> CoreServices::reload(std::shared_ptr<const Material> material) {
  const Configuration& configuration = *material->configuration;
  const auto snapshot = RP_TRY(make_snapshot(*material, *shared_.accounts));
  auto settings = RP_TRY(deliver_settings(*material, snapshot->policy));
  auto access = RP_TRY(make_access_snapshot(*material));
  RP_CHECK(local_->set_settings(local_settings(*material)));
  store_->set_settings(store_settings(configuration, *shared_.accounts));
  material_ = std::move(material);
  intake_->set_settings(intake_settings(configuration));
  set_fact_sources();
  set_filter(material_->filter);
  receive_->reload(snapshot);
  access_->reload(std::move(access));
  deliver_->reload(std::move(settings));
  if (pickup_) pickup_->set_settings(pickup_settings(*material_, snapshot->policy));
  return {};
}

// Bayes begins with the first rules that use it, and is there until the end: rules that do not use it do not ask it.
void CoreServices::set_fact_sources() {
  const filter::BayesScope scope = material_->configuration->filter.bayes;
  if (!bayes_source_ && shared_.bayes != nullptr)
    bayes_source_ = std::make_unique<intake::BayesSource>(core_, *shared_.bayes, false);
  std::vector<intake::FactSource*> sources{dns_source_.get()};
  if (bayes_source_ && scope != filter::BayesScope::off) {
    bayes_source_->set_per_user(scope == filter::BayesScope::user);
    sources.push_back(bayes_source_.get());
  }
  intake_->set_fact_sources(std::move(sources));
  junk_lessons_.set_bayes(scope == filter::BayesScope::off ? nullptr : bayes_source_.get());
}

// Runs beside shut_down, and may see the end of the sleep only when that is gone: so both own it.
Task<void> CoreServices::cut_off(std::shared_ptr<shard::Sleep> bound) {
  if (!co_await *bound) co_return;  // all was over before
  receive_->abort();
  access_->abort();
  deliver_->abort();
  resolver_->abort();
}

Task<void> CoreServices::run_pickup() {
  co_await pickup_->run();
  pickup_ended_ = true;
  pickup_signal_.notify_all();
}

Task<void> CoreServices::shut_down(Duration bound) {
  if (pickup_) {
    pickup_->stop();
    while (!pickup_ended_) co_await pickup_signal_.wait();
  }
  if (receive_ && deliver_) {
    const auto sleep = std::make_shared<shard::Sleep>(core_, bound);
    receive_->drain();
    access_->drain();
    deliver_->drain();
    core_.spawn(cut_off(sleep));
    co_await receive_->stopped();
    co_await access_->stopped();
    co_await deliver_->stopped();
    sleep->cancel();
  }
  if (bayes_source_) co_await bayes_source_->stop();
  if (spool_) co_await spool_->close();
  if (resolver_) co_await resolver_->stop();
}

}  // namespace ringpost::server
