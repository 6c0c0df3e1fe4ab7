#include "check_files.hpp"

#include <cerrno>
#include <chrono>

#include <fmt/format.h>

#include "ringpost/base/option_value.hpp"
#include "ringpost/command/limits.hpp"
#include "ringpost/crypto/certificate.hpp"
#include "ringpost/deliver/router.hpp"
#include "ringpost/mail/aliases.hpp"
#include "ringpost/tls/server_context.hpp"

#include "context.hpp"
#include "files.hpp"

namespace ringpost::command {

namespace {

using config::Finding;
using config::Severity;

class Findings {
 public:
  explicit Findings(const server::LoadedConfiguration& loaded) : loaded_(loaded) {}

  // At the line that set `key`.
  void at_key(Severity severity, const std::string& key, std::string message, std::string mend) {
    Finding finding{.severity = severity, .key = key, .message = std::move(message), .mend = std::move(mend)};
    const auto source = loaded_.loaded.sources.find(key);
    if (source != loaded_.loaded.sources.end() && source->second.line != 0) {
      finding.file = loaded_.loaded.files.at(source->second.file);
      finding.line = source->second.line;
    } else if (!loaded_.loaded.files.empty()) {
      finding.file = loaded_.loaded.files.front();
    }
    add(std::move(finding));
  }
  void add(Finding finding) {
    if (findings_.size() < kFileFindingsMax) findings_.push_back(std::move(finding));
  }
  std::vector<Finding> take() { return std::move(findings_); }

 private:
  const server::LoadedConfiguration& loaded_;
  std::vector<Finding> findings_;
};

WallTime wall_now() {
  return {std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()).count()};
}

std::pair<std::string, std::string> mended(std::string_view text, std::string_view otherwise) {
  const Mended split = split_mend(text);
  return {std::string(split.text), std::string(split.mend.empty() ? otherwise : split.mend)};
}

// Reads the two files of one certificate; what cannot be read is a finding.
std::optional<tls::Identity> read_identity(const FilePath& certificate, const FilePath& key,
                                           const std::string& prefix, Findings& findings) {
  tls::Identity identity{.certificate_path = certificate.text, .key_path = key.text};
  bool good = true;
  for (const auto& [path, name, pem] : {std::tuple{&certificate, "certificate", &identity.certificate_pem},
                                        std::tuple{&key, "key", &identity.key_pem}}) {
    auto text = read_whole(path->text, kNamedFileMax);
    if (text) {
      *pem = std::move(*text);
      continue;
    }
    good = false;
    // A key that only the server's user may read is as it should be; whoever runs `check` sees less.
    const bool denied = text.error().system == EACCES;
    findings.at_key(denied ? Severity::warning : Severity::error, prefix + "." + name, text.error().text,
                    denied ? "run check as root or as the server's user to look into it" : "name a PEM file");
  }
  if (!good) return std::nullopt;
  return identity;
}

void check_certificates(const server::Configuration& configuration, const std::string& hostname,
                        Findings& findings) {
  if (configuration.tls.certificate.empty()) return;
  tls::ServerSettings settings{.version_min = configuration.tls.version_min};
  const auto main = read_identity(configuration.tls.certificate, configuration.tls.key, "tls", findings);
  if (!main) return;
  settings.main = *main;
  for (const auto& [name, sni] : configuration.tls.sni) {
    const auto identity = read_identity(sni.certificate, sni.key, "tls.sni." + key_part(name), findings);
    if (identity) settings.names.emplace(name, *identity);
  }
  auto keys = tls::TicketKeys::generate();
  if (!keys) return;
  if (auto built = tls::ServerContext::build(settings, std::move(*keys)); !built) {
    auto [message, mend] = mended(built.error().text, "name a certificate and the key that belongs to it");
    return findings.at_key(Severity::error, "tls.certificate", std::move(message), std::move(mend));
  }
  for (const std::string& warning : tls::warnings(settings, wall_now())) {
    auto [message, mend] = mended(warning, "renew the certificate");
    findings.at_key(Severity::warning, "tls.certificate", std::move(message), std::move(mend));
  }
  if (const auto info = crypto::certificate_info(main->certificate_pem); info && !info->covers(hostname))
    findings.at_key(Severity::warning, "tls.certificate",
                    fmt::format("the certificate is not for {}: clients that verify it hang up", hostname),
                    "use a certificate with that name, or set server.hostname to one of its names");
}

void check_aliases(const server::Configuration& configuration, Findings& findings) {
  const std::string& path = configuration.domains.aliases.text;
  if (path.empty()) return;
  const auto text = read_whole(path, kNamedFileMax);
  if (!text) {
    // A host without /etc/aliases is common; the key that somebody wrote himself means a file.
    const bool missing = text.error().system == ENOENT;
    return findings.at_key(
        missing ? Severity::warning : Severity::error, "domains.aliases", text.error().text,
        missing ? "make the file, or set aliases = \"\"" : "let the server's user read it");
  }
  for (const mail::AliasError& error : mail::parse_aliases(*text).errors)
    findings.add({.severity = Severity::error,
                  .file = path,
                  .line = static_cast<std::uint32_t>(error.line),
                  .key = "domains.aliases",
                  .message = error.text,
                  .mend = error.mend});
}

void check_routes(const server::Configuration& configuration, Findings& findings) {
  for (const auto& conflict : deliver::find_conflicts(configuration.route))
    findings.at_key(Severity::error, "route." + key_part(conflict.second) + ".match.domain",
                    fmt::format("\"{}\" is matched by route.{} too", conflict.domain, conflict.first),
                    "leave one of the two");
  for (const auto& [name, route] : configuration.route)
    if (!route.password_file.empty())
      if (const auto text = read_whole(route.password_file.text, kNamedFileMax); !text)
        findings.at_key(text.error().system == EACCES ? Severity::warning : Severity::error,
                        "route." + key_part(name) + ".password_file", text.error().text,
                        "name a file that the server's user may read");
}

void check_accounts(const server::Configuration& configuration, Findings& findings) {
  const std::pair<std::string, const FilePath&> named[] = {
      {"accounts.passwd_file", configuration.accounts.passwd_file},
      {"accounts.token_key", configuration.accounts.token_key},
  };
  for (const auto& [key, path] : named)
    if (!path.empty())
      if (const auto text = read_whole(path.text, kNamedFileMax); !text)
        findings.at_key(text.error().system == EACCES ? Severity::warning : Severity::error, key,
                        text.error().text, "name a file that the server's user may read");
}

}  // namespace

std::vector<Finding> check_files(const server::LoadedConfiguration& loaded, const std::string& hostname) {
  Findings findings(loaded);
  check_certificates(*loaded.configuration, hostname, findings);
  check_aliases(*loaded.configuration, findings);
  check_routes(*loaded.configuration, findings);
  check_accounts(*loaded.configuration, findings);
  return findings.take();
}

}  // namespace ringpost::command
