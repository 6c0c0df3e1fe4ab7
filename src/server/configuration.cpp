#include "ringpost/server/configuration.hpp"

#include <array>
#include <cerrno>
#include <fstream>
#include <map>
#include <sstream>

#include <fmt/format.h>
#include <glob.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "ringpost/config/limits.hpp"
#include "ringpost/deliver/local.hpp"
#include "ringpost/deliver/router.hpp"
#include "ringpost/mail/address.hpp"
#include "ringpost/server/files.hpp"
#include "ringpost/shard/runtime.hpp"
#include "ringpost/spool/limits.hpp"

namespace ringpost::server {

namespace {

std::string system_hostname() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0 || name[0] == 0) return "localhost";
  return name.data();
}

Result<std::vector<std::string>> glob_files(const std::string& pattern) {
  glob_t found{};
  const int error = glob(pattern.c_str(), 0, nullptr, &found);
  std::vector<std::string> paths(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  globfree(&found);
  if (error != 0 && error != GLOB_NOMATCH) return fail(ErrorKind::permanent, pattern + ": cannot be read");
  return paths;
}

// Binding refuses the second one too, but can only say that somebody listens there already.
void check_addresses(const Configuration& configuration, config::CrossReport& report) {
  std::map<Endpoint, std::string_view> taken;
  for (const auto& [name, listener] : configuration.listener)
    for (const Endpoint& address : listener.address) {
      if (address.port == 0) continue;  // the system gives each another one
      const auto [first, fresh] = taken.emplace(address, name);
      if (!fresh)
        report.error(
            "listener." + name + ".address",
            to_string(address) + " is an address of listener." + std::string(first->second) + " already",
            "give each listener addresses of its own, and name each once");
    }
}

// Whether the server may read a file is known to itself and to root. For others, who may well command the running
// server, a key that they may not read is as it should be.
bool is_the_server(const Configuration& configuration) {
  const passwd* const user = getpwnam(configuration.server.user.c_str());
  return user != nullptr && user->pw_uid == geteuid();
}

void check_certificate_files(const Configuration& configuration, config::CrossReport& report) {
  for (const FilePath* file : {&configuration.tls.certificate, &configuration.tls.key}) {
    if (file->empty() || access(file->text.c_str(), R_OK) == 0) continue;
    if (errno == EACCES && !is_the_server(configuration)) continue;
    report.error(file == &configuration.tls.key ? "tls.key" : "tls.certificate",
                 file->text + " cannot be read", "name a PEM file that the server's user may read");
  }
}

void check_rule_files(const Configuration& configuration, config::CrossReport& report) {
  for (const FilePath& path : configuration.filter.rules)
    if (access(path.text.c_str(), R_OK) != 0 && (errno != EACCES || is_the_server(configuration)))
      report.warning("filter.rules", path.text + " cannot be read: the server would not start",
                     "install the package that has them, or name your own");
}

void check_listener_cores(const Configuration& configuration, config::CrossReport& report) {
  const auto count = shard::Runtime::core_count(configuration.cores);
  if (!count) return;  // said elsewhere
  for (const auto& [name, listener] : configuration.listener)
    for (const unsigned core : listener.cores)
      if (core >= *count)
        report.error("listener." + name + ".cores",
                     fmt::format("there is no core {}: this configuration has {}", core, *count),
                     fmt::format("name cores from 0 to {}, or see cores.use", *count - 1));
}

// What a start would refuse, said before it.
void check_start(const Configuration& configuration, config::CrossReport& report) {
  if (const passwd* const user = getpwnam(configuration.server.user.c_str());
      user != nullptr && user->pw_uid == 0)
    report.error("server.user", "the server refuses to run as root", "name a user made for it");
  if (configuration.admin.socket.text.size() >= sizeof(sockaddr_un::sun_path))
    report.error("admin.socket", "is longer than the path of a Unix socket can be",
                 fmt::format("use at most {} bytes", sizeof(sockaddr_un::sun_path) - 1));
  if (auto cores = shard::Runtime::core_count(configuration.cores); !cores)
    report.warning("cores.use", cores.error().text, "name CPUs of the machine that runs it, or \"all\"");
  if (auto location = deliver::check_location(configuration.mailboxes.location); !location)
    report.error("mailboxes.location", location.error().text,
                 "write maildir:PATH, mbox:PATH, pipe:COMMAND or lmtp:HOST:PORT");
}

// A client cannot be told at once what becomes of mail for mailboxes: aliases make new messages of it, and forwards wait.
void check_through(const Configuration& configuration, config::CrossReport& report) {
  std::string through;
  for (const auto& [name, listener] : configuration.listener) {
    if (listener.durability != receive::Level::through) continue;
    through = "listener." + std::string(name);
    if (listener.message_size_limit > spool::kThroughMessageMax)
      report.error(through + ".message_size_limit",
                   "level through keeps messages in memory, and not more than 64MiB of one",
                   "set it to 64MiB or less, or use another level");
  }
  if (through.empty()) return;
  for (const auto& [name, route] : configuration.route)
    if (route.via == "mailbox")
      report.error("route." + std::string(name) + ".via",
                   through + " has durability = \"through\", which does not go together with mailboxes",
                   "leave the route away, or give the listener another level");
  auto router = deliver::Router::make(configuration.route, {}, [](std::string_view) { return true; });
  if (!router) return;  // said elsewhere
  for (const std::string& local : configuration.domains.local) {
    std::string domain;
    if (!mail::append_canonical_domain(local, domain)) continue;
    if (router->find(domain).via == deliver::Via::mailbox)
      report.error(
          through + ".durability",
          "through waits for the next hop, and mail for " + domain + " goes to mailboxes of this server",
          "send it elsewhere with a [route.NAME] of that domain, or use another level");
  }
}

// What spans tables, or needs a look at the system.
void check_whole(const Configuration& configuration, config::CrossReport& report) {
  if (configuration.listener.empty())
    report.warning("listener", "there is no listener: no mail comes in",
                   "add a table [listener.mx] with address = [\"0.0.0.0:25\"]");
  for (const auto& [name, unused] : configuration.shaping)
    if (name != "default")
      report.error("shaping." + name, "there is no such shaping table", "write [shaping.default]");
  for (const auto& [name, listener] : configuration.listener)
    if (configuration.tls.certificate.empty() &&
        (listener.tls == receive::TlsMode::implicit || listener.tls == receive::TlsMode::required))
      report.error("listener." + name + ".tls", "this listener needs TLS and there is no certificate",
                   "set certificate and key in [tls]");
  check_addresses(configuration, report);
  check_listener_cores(configuration, report);
  check_through(configuration, report);
  check_certificate_files(configuration, report);
  check_start(configuration, report);
  check_rule_files(configuration, report);
  if (!configuration.server.user.empty() && getpwnam(configuration.server.user.c_str()) == nullptr)
    report.warning("server.user", "there is no user \"" + configuration.server.user + "\" on this system",
                   "adduser --system --group " + configuration.server.user);
}

}  // namespace

shaping::ShapingOptions Configuration::shaping_default() const {
  const auto found = shaping.find("default");
  return found == shaping.end() ? shaping::ShapingOptions{} : found->second;
}

std::string Configuration::hostname() const {
  return server.hostname.empty() ? system_hostname() : server.hostname;
}
std::string Configuration::origin() const {
  return server.origin.empty() ? hostname() : server.origin;
}

config::Schema schema_of(Configuration& configuration) {
  config::Schema schema;
  schema.section("server", configuration.server)
      .section("cores", configuration.cores)
      .section("tls", configuration.tls)
      .named("listener", configuration.listener)
      .section("spool", configuration.spool)
      .section("policy", configuration.policy)
      .named("blocklist", configuration.blocklist)
      .section("blocklists", configuration.blocklists)
      .section("domains", configuration.domains)
      .section("accounts", configuration.accounts)
      .section("mailboxes", configuration.mailboxes)
      .named("route", configuration.route)
      .section("deliver", configuration.deliver)
      .section("retry", configuration.retry)
      .named("shaping", configuration.shaping)
      .section("resolver", configuration.resolver)
      .section("filter", configuration.filter)
      .named("log", configuration.log)
      .section("admin", configuration.admin)
      .check([&configuration](config::CrossReport& report) { check_whole(configuration, report); });
  return schema;
}

LoadedConfiguration load_configuration(const std::string& path) {
  LoadedConfiguration result;
  result.configuration = std::make_unique<Configuration>();
  result.schema = std::make_unique<config::Schema>(schema_of(*result.configuration));
  const auto loader = [](const std::string& file) { return read_file(file, config::kFileSizeMax); };
  result.loaded = config::load(*result.schema, absolute_path(path), loader, glob_files);
  return result;
}

}  // namespace ringpost::server
