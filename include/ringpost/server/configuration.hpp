// The whole configuration: every module's options in one value, the schema over them, and the checks that span tables.
//
// Layer: program. Owner: whoever loaded it; a reload loads another.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ringpost/accounts/options.hpp"
#include "ringpost/admin/options.hpp"
#include "ringpost/base/options.hpp"
#include "ringpost/config/load.hpp"
#include "ringpost/config/schema.hpp"
#include "ringpost/deliver/options.hpp"
#include "ringpost/filter/options.hpp"
#include "ringpost/policy/options.hpp"
#include "ringpost/publish/options.hpp"
#include "ringpost/receive/blocklist_options.hpp"
#include "ringpost/receive/options.hpp"
#include "ringpost/resolve/options.hpp"
#include "ringpost/schedule/options.hpp"
#include "ringpost/server/options.hpp"
#include "ringpost/shaping/options.hpp"
#include "ringpost/shard/options.hpp"
#include "ringpost/spool/options.hpp"
#include "ringpost/tls/options.hpp"

namespace ringpost::server {

struct Configuration {
  ServerOptions server;
  shard::CoreOptions cores;
  tls::TlsOptions tls;
  Named<receive::ListenerOptions> listener;
  spool::SpoolOptions spool;
  policy::PolicyOptions policy;
  Named<receive::BlocklistOptions> blocklist;
  receive::BlocklistsOptions blocklists;
  policy::DomainsOptions domains;
  accounts::AccountsOptions accounts;
  deliver::MailboxesOptions mailboxes;
  Named<deliver::RouteOptions> route;
  deliver::DeliverOptions deliver;
  schedule::RetryOptions retry;
  Named<shaping::ShapingOptions> shaping;  // [shaping.default]
  resolve::ResolverOptions resolver;
  filter::FilterOptions filter;
  Named<publish::LogOptions> log;
  admin::AdminOptions admin;

  // The options of [shaping.default], or their defaults.
  shaping::ShapingOptions shaping_default() const;
  // server.hostname, or what the system says; then origin, or that.
  std::string hostname() const;
  std::string origin() const;
};

// The tables over `configuration`, which must outlive the schema.
config::Schema schema_of(Configuration& configuration);

struct LoadedConfiguration {
  std::shared_ptr<Configuration> configuration;
  std::unique_ptr<config::Schema> schema;  // over it
  config::Loaded loaded;
};
// Reads the file and all that it includes; findings are in `loaded`. Also looks at what the file names (certificates,
// aliases, users): `check` reports those too.
LoadedConfiguration load_configuration(const std::string& path);

}  // namespace ringpost::server
