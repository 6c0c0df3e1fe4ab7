#include "ringpost/server/configuration.hpp"

#include <array>
#include <cerrno>
#include <fstream>
#include <sstream>

#include <glob.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ringpost/config/limits.hpp"
#include "ringpost/server/files.hpp"

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
  for (const FilePath* file : {&configuration.tls.certificate, &configuration.tls.key})
    if (!file->empty() && access(file->text.c_str(), R_OK) != 0)
      report.error(file == &configuration.tls.key ? "tls.key" : "tls.certificate",
                   file->text + " cannot be read", "name a PEM file that the server's user may read");
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
