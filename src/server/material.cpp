#include "material.hpp"

#include <algorithm>
#include <span>

#include "ringpost/accounts/limits.hpp"
#include "ringpost/mail/address.hpp"
#include "ringpost/server/files.hpp"

namespace ringpost::server {

namespace {

constexpr Bytes kPemMax = 1_MiB;
constexpr Bytes kAliasesMax = 64_MiB;
constexpr const char* kAuthorities = "/etc/ssl/certs/ca-certificates.crt";

// Accounts, the aliases file and the aliases of the database, as they are at the moment of the question.
class KnownRecipients final : public policy::Recipients {
 public:
  KnownRecipients(accounts::Accounts& accounts, std::shared_ptr<const mail::AliasTable> aliases)
      : accounts_(accounts), aliases_(std::move(aliases)) {}
  bool exists(std::string_view local_part, std::string_view domain) const override {
    const auto directory = accounts_.directory();
    return !in_file(local_part).empty() || directory->find(local_part, domain) != nullptr ||
           directory->alias(local_part, domain) != nullptr || directory->catch_all(domain) != nullptr;
  }
  bool owned(std::string_view login, std::string_view local_part, std::string_view domain) const override {
    const auto directory = accounts_.directory();
    std::size_t budget = accounts::kOwnerTargetsMax;
    return owned_by(*directory, login, local_part, domain, budget);
  }

 private:
  std::span<const mail::AliasTarget> in_file(std::string_view local_part) const {
    return aliases_ == nullptr ? std::span<const mail::AliasTarget>() : aliases_->find(local_part);
  }
  // The file goes before the database, as in delivery. `budget`: so many targets are looked at, and a loop is none.
  bool owned_by(const accounts::Directory& directory, std::string_view login, std::string_view local_part,
                std::string_view domain, std::size_t& budget) const {
    const auto targets = in_file(local_part);
    if (targets.empty()) return accounts::owns_address(directory, login, local_part, domain);
    const accounts::User* user = directory.find(local_part, domain);
    if (user != nullptr && user->name == login) return true;
    return std::ranges::any_of(targets, [&](const mail::AliasTarget& target) {
      if (target.kind != mail::AliasTargetKind::address && target.kind != mail::AliasTargetKind::local)
        return false;
      if (budget == 0) return false;
      --budget;
      const auto [name, at] = mail::split_address(target.text);
      return owned_by(directory, login, mail::unquote_local_part(name), at.empty() ? domain : at, budget);
    });
  }

  accounts::Accounts& accounts_;
  std::shared_ptr<const mail::AliasTable> aliases_;
};

Result<tls::Identity> read_identity(const FilePath& certificate, const FilePath& key) {
  tls::Identity identity;
  identity.certificate_path = certificate.text;
  identity.key_path = key.text;
  identity.certificate_pem = RP_TRY(read_file(certificate.text, kPemMax));
  identity.key_pem = RP_TRY(read_file(key.text, kPemMax));
  return identity;
}

Result<void> read_tls(const tls::TlsOptions& options, Material& material) {
  material.tls_client.version_min = options.version_min;
  material.tls_client.authorities_path = kAuthorities;
  if (auto authorities = read_file(kAuthorities, 16_MiB))
    material.tls_client.authorities_pem = std::move(*authorities);
  if (options.certificate.empty()) return {};
  material.tls_server.version_min = options.version_min;
  material.tls_server.main = RP_TRY(read_identity(options.certificate, options.key));
  for (const auto& [name, sni] : options.sni)
    material.tls_server.names.emplace(name, RP_TRY(read_identity(sni.certificate, sni.key)));
  return {};
}

bool has_certificate(const Material& material) {
  return !material.configuration->tls.certificate.empty();
}

}  // namespace

Result<std::shared_ptr<const Material>> read_material(std::shared_ptr<const Configuration> configuration,
                                                      std::shared_ptr<const tls::TicketKeys> keys) {
  auto material = std::make_shared<Material>();
  material->configuration = std::move(configuration);
  material->ticket_keys = keys != nullptr ? std::move(keys) : RP_TRY(tls::TicketKeys::generate());
  RP_CHECK(read_tls(material->configuration->tls, *material));
  for (const auto& [name, route] : material->configuration->route) {
    if (route.password_file.empty()) continue;
    std::string password = RP_TRY(read_file(route.password_file.text, 64_KiB));
    while (!password.empty() && (password.back() == '\n' || password.back() == '\r')) password.pop_back();
    material->route_passwords.emplace(name, std::move(password));
  }
  const FilePath& aliases = material->configuration->domains.aliases;
  if (!aliases.empty()) {
    auto text = read_file(aliases.text, kAliasesMax);
    if (text)
      material->aliases = std::move(*text);
    else if (text.error().system != ENOENT)
      return fail(std::move(text.error()).in("domains.aliases"));
  }
  auto table = deliver::Local::alias_table(material->aliases);
  if (!table) return fail(std::move(table.error()).in(aliases.text));
  material->alias_table = std::make_shared<const mail::AliasTable>(std::move(*table));
  // Built once here so that a bad certificate is found before any core is told of it. An empty file is a bad one, and no
  // reason to go on in clear text.
  if (has_certificate(*material))
    (void)RP_TRY(tls::ServerContext::build(material->tls_server, material->ticket_keys));
  return std::shared_ptr<const Material>(std::move(material));
}

Result<std::shared_ptr<const receive::Snapshot>> make_snapshot(const Material& material,
                                                               accounts::Accounts& accounts) {
  const Configuration& configuration = *material.configuration;
  std::shared_ptr<const tls::ServerContext> tls;
  if (has_certificate(material))
    tls = RP_TRY(tls::ServerContext::build(material.tls_server, material.ticket_keys));
  auto snapshot = std::make_shared<receive::Snapshot>();
  for (const auto& [name, options] : configuration.listener)
    snapshot->listeners.push_back(receive::make_listening(name, options, configuration.hostname(), tls));
  snapshot->policy = std::make_shared<policy::Policy>(policy::Policy::Settings{
      .hostname = configuration.hostname(),
      .policy = configuration.policy,
      .domains = configuration.domains,
      .recipients = std::make_shared<KnownRecipients>(accounts, material.alias_table)});
  snapshot->blocklists = std::make_shared<const receive::BlocklistRules>(
      receive::make_blocklist_rules(configuration.blocklist, configuration.blocklists));
  return std::shared_ptr<const receive::Snapshot>(std::move(snapshot));
}

namespace {

access::Speaks speaks(receive::Protocol protocol) {
  if (protocol == receive::Protocol::imap) return access::Speaks::imap;
  return protocol == receive::Protocol::pop3 ? access::Speaks::pop3 : access::Speaks::nothing;
}

access::Listening access_listening(const std::string& name, const receive::ListenerOptions& options,
                                   const Configuration& configuration,
                                   const std::shared_ptr<const tls::ServerContext>& tls) {
  const bool upgrades = tls != nullptr && (options.tls == receive::TlsMode::offered ||
                                           options.tls == receive::TlsMode::required);
  access::Listening listening;
  listening.name = name;
  listening.speaks = speaks(options.protocol);
  listening.implicit_tls = options.tls == receive::TlsMode::implicit;
  if (upgrades || listening.implicit_tls) listening.tls = tls;
  listening.connection_limit = options.connection_limit;
  listening.proxy_protocol_from = options.proxy_protocol_from;
  listening.client_rules = {.connections_max = options.client_connection_limit,
                            .connection_rate = options.client_connection_rate,
                            .message_rate = {}};
  for (const auto* networks :
       {&configuration.policy.relay_networks, &configuration.accounts.login_trusted_networks})
    listening.uncounted_clients.insert(listening.uncounted_clients.end(), networks->begin(), networks->end());
  listening.imap.hostname = configuration.hostname();
  listening.imap.starttls = upgrades;
  listening.imap.auth_needs_tls = !options.auth_without_tls;
  listening.imap.append_limit = options.message_size_limit;
  listening.imap.bad_commands_max = options.error_limit;
  listening.imap.capabilities.remove(imap::Capability::quota_set);
  if (!options.unauthenticate) listening.imap.capabilities.remove(imap::Capability::unauthenticate);
  listening.pop3.hostname = configuration.hostname();
  listening.pop3.starttls = upgrades;
  listening.pop3.auth_needs_tls = !options.auth_without_tls;
  listening.pop3.errors_max = options.error_limit;
  listening.pop3.login_delay =
      static_cast<std::uint32_t>(std::chrono::ceil<std::chrono::seconds>(options.login_delay).count());
  return listening;
}

}  // namespace

Result<std::shared_ptr<const access::Snapshot>> make_access_snapshot(const Material& material) {
  const Configuration& configuration = *material.configuration;
  std::shared_ptr<const tls::ServerContext> tls;
  if (has_certificate(material))
    tls = RP_TRY(tls::ServerContext::build(material.tls_server, material.ticket_keys));
  auto snapshot = std::make_shared<access::Snapshot>();
  snapshot->shares_with_anyone = configuration.mailboxes.anyone;
  for (const auto& [name, options] : configuration.listener)
    snapshot->listeners.push_back(access_listening(name, options, configuration, tls));
  return std::shared_ptr<const access::Snapshot>(std::move(snapshot));
}

deliver::LocalSettings local_settings(const Material& material) {
  const Configuration& configuration = *material.configuration;
  return {.hostname = configuration.hostname(),
          .domains = configuration.domains,
          .mailboxes = configuration.mailboxes,
          .aliases_text = material.aliases};
}

Result<std::shared_ptr<const deliver::Settings>> deliver_settings(
    const Material& material, std::shared_ptr<const policy::Policy> policy) {
  const Configuration& configuration = *material.configuration;
  auto router = RP_TRY(deliver::Router::make(
      configuration.route, material.route_passwords,
      [policy = std::move(policy)](std::string_view domain) { return policy->is_local_domain(domain); }));
  return std::make_shared<const deliver::Settings>(
      deliver::Settings{.hostname = configuration.hostname(),
                        .origin = configuration.origin(),
                        .deliver = configuration.deliver,
                        .retry = configuration.retry,
                        .shaping = configuration.shaping_default(),
                        .router = std::move(router),
                        .quarantine_expire_after = configuration.filter.quarantine_expire_after});
}

}  // namespace ringpost::server
