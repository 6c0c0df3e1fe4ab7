// What the configuration names and the cores need built: read once from disk at start and at each reload.
//
// Layer: program. Blocking.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "ringpost/access/service.hpp"
#include "ringpost/accounts/accounts.hpp"
#include "ringpost/deliver/local.hpp"
#include "ringpost/deliver/service.hpp"
#include "ringpost/intake/filtering.hpp"
#include "ringpost/mail/aliases.hpp"
#include "ringpost/policy/policy.hpp"
#include "ringpost/receive/service.hpp"
#include "ringpost/server/configuration.hpp"
#include "ringpost/tls/client_context.hpp"
#include "ringpost/tls/server_context.hpp"
#include "ringpost/tls/ticket_keys.hpp"

namespace ringpost::server {

// Texts of the files; each core builds its own objects from them, so that nothing is shared but immutable bytes.
struct Material {
  std::shared_ptr<const Configuration> configuration;
  std::shared_ptr<const tls::TicketKeys> ticket_keys;
  tls::ServerSettings tls_server;
  tls::ClientSettings tls_client;
  std::string aliases;
  std::shared_ptr<const mail::AliasTable> alias_table;   // of `aliases`, for the policy; null: there are none
  std::shared_ptr<const intake::FilterSettings> filter;  // null: there is none; set by Process
  std::unordered_map<std::string, std::string> route_passwords;  // by the name of the route
};

// Errors name the file and the mend. `keys`: those of the running server, or none.
Result<std::shared_ptr<const Material>> read_material(std::shared_ptr<const Configuration> configuration,
                                                      std::shared_ptr<const tls::TicketKeys> keys);

Result<std::shared_ptr<const receive::Snapshot>> make_snapshot(const Material& material,
                                                               accounts::Accounts& accounts);
Result<std::shared_ptr<const access::Snapshot>> make_access_snapshot(const Material& material);
deliver::LocalSettings local_settings(const Material& material);
Result<std::shared_ptr<const deliver::Settings>> deliver_settings(
    const Material& material, std::shared_ptr<const policy::Policy> policy);

}  // namespace ringpost::server
