#include "init.hpp"

#include <chrono>

#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ringpost/base/option_value.hpp"
#include "ringpost/config/print.hpp"
#include "ringpost/crypto/certificate.hpp"
#include "ringpost/mail/address.hpp"

#include "files.hpp"

namespace ringpost::command {

namespace {

using config::SampleValue;

constexpr const char* kAliases =
    "# Names that are other names: `name: target, target`. A target is a local name, an address, |a command "
    "or /a/file.\n"
    "# See aliases(5); `newaliases` or `ringpost reload` makes the server read it again.\n"
    "postmaster: root\n"
    "abuse: postmaster\n"
    "mailer-daemon: postmaster\n";

WallTime wall_now() {
  return {std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch()).count()};
}

std::string list_of(const std::vector<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts) list += (list.empty() ? "" : ", ") + json_quoted(text);
  return "[" + list + "]";
}

// Who maps root's mail to somebody else wants it read: without that it goes to the one who runs this.
std::string aliases_text(bool trial) {
  std::string text = kAliases;
  if (const passwd* entry = trial ? getpwuid(getuid()) : nullptr; entry != nullptr && entry->pw_uid >= 1000)
    text += fmt::format("root: {}\n", entry->pw_name);
  else
    text += "#root: you\n";
  return text;
}

std::vector<SampleValue> trial_values(const InitPlan& plan) {
  std::vector<std::string> domains{"localhost"};
  domains.insert(domains.end(), plan.domains.begin(), plan.domains.end());
  return {
      {"server", "hostname", "\"localhost\""},
      {"server", "state_directory", "\"state\""},
      {"server", "pickup_directory", "\"pickup\""},
      {"tls", "certificate", "\"tls/certificate.pem\""},
      {"tls", "key", "\"tls/key.pem\""},
      {"listener.mx", "protocol", "\"smtp\""},
      {"listener.mx", "address", "[\"127.0.0.1:2525\"]"},
      {"listener.mx", "tls", "\"offered\""},
      {"listener.submissions", "protocol", "\"submission\""},
      {"listener.submissions", "address", "[\"127.0.0.1:4465\"]"},
      {"listener.submissions", "tls", "\"implicit\""},
      {"listener.imaps", "protocol", "\"imap\""},
      {"listener.imaps", "address", "[\"127.0.0.1:4993\"]"},
      {"listener.imaps", "tls", "\"implicit\""},
      {"spool", "directory", "\"spool\""},
      {"domains", "local", list_of(domains)},
      {"domains", "aliases", "\"aliases\""},
      {"accounts", "database", "\"state/accounts.db\""},
      {"log.mail", "to", "\"stderr\""},
      {"admin", "socket", "\"admin\""},
  };
}

std::vector<SampleValue> real_values(const InitPlan& plan) {
  const std::string origin = plan.domains.empty() ? *plan.hostname : plan.domains.front();
  return {
      {"server", "hostname", json_quoted(*plan.hostname)},
      {"server", "origin", json_quoted(origin)},
      {"tls", "certificate", "\"tls/certificate.pem\""},
      {"tls", "key", "\"tls/key.pem\""},
      {"listener.mx", "protocol", "\"smtp\""},
      {"listener.mx", "address", "[\"0.0.0.0:25\", \"[::]:25\"]"},
      {"listener.mx", "tls", "\"offered\""},
      {"listener.submission", "protocol", "\"submission\""},
      {"listener.submission", "address", "[\"0.0.0.0:587\", \"[::]:587\"]"},
      {"listener.submission", "tls", "\"required\""},
      {"listener.submissions", "protocol", "\"submission\""},
      {"listener.submissions", "address", "[\"0.0.0.0:465\", \"[::]:465\"]"},
      {"listener.submissions", "tls", "\"implicit\""},
      {"listener.imap", "protocol", "\"imap\""},
      {"listener.imap", "address", "[\"0.0.0.0:143\", \"[::]:143\"]"},
      {"listener.imap", "tls", "\"required\""},
      {"listener.imaps", "protocol", "\"imap\""},
      {"listener.imaps", "address", "[\"0.0.0.0:993\", \"[::]:993\"]"},
      {"listener.imaps", "tls", "\"implicit\""},
      {"listener.pop3s", "protocol", "\"pop3\""},
      {"listener.pop3s", "address", "[\"0.0.0.0:995\", \"[::]:995\"]"},
      {"listener.pop3s", "tls", "\"implicit\""},
      {"domains", "local", list_of(plan.domains)},
      {"domains", "aliases", "\"aliases\""},
      {"log.mail", "to", "\"file:/var/log/ringpost/mail.log\""},
  };
}

std::string heading_of(const InitPlan& plan) {
  const std::string file = plan.directory + "/ringpost.toml";
  return fmt::format(
      "The configuration of Ringpost{}. Lines that begin with # show what a key is when nobody sets it.\n"
      "After a change: ringpost check {}, then ringpost reload --config {}",
      plan.hostname ? " on " + *plan.hostname : ", a server to try out on this host alone", file, file);
}

Result<void> write_certificate(const InitPlan& plan) {
  const std::string name = plan.hostname.value_or("localhost");
  crypto::SelfSignedRequest request{.common_name = name, .not_before = wall_now() - std::chrono::hours(1)};
  if (!plan.hostname) request.names = {"127.0.0.1", "::1"};
  const auto pair = RP_TRY(crypto::make_self_signed(request));
  const std::string folder = plan.directory + "/tls";
  RP_CHECK(make_folder(folder));
  RP_CHECK(write_new(folder + "/key.pem", pair.key_pem, 0600));
  return write_new(folder + "/certificate.pem", pair.certificate_pem, 0644);
}

// The server reads its key again at a reload, when it is root no longer.
void give_to_server(const InitPlan& plan) {
  if (geteuid() != 0) return;
  const passwd* user = getpwnam("ringpost");
  if (user == nullptr) return;
  for (const char* file : {"/tls/key.pem", "/ringpost.toml", "/aliases"})
    (void)!chown((plan.directory + file).c_str(), file == std::string_view("/tls/key.pem") ? user->pw_uid : 0,
                 user->pw_gid);
  if (!plan.hostname) (void)!chown(plan.directory.c_str(), user->pw_uid, user->pw_gid);
}

std::string next_steps(const InitPlan& plan) {
  const std::string file = plan.directory + "/ringpost.toml";
  if (plan.hostname)
    return fmt::format(
        "{0} is written, with a certificate that the server signed itself: put a real one into {1}/tls.\n"
        "Next:\n"
        "  adduser --system --group ringpost     if there is no such user\n"
        "  ringpost check {0}\n"
        "  ringpost serve --config {0}\n",
        file, plan.directory);
  return fmt::format(
      "{0} is written: SMTP on 127.0.0.1:2525; with TLS submission on 127.0.0.1:4465 and IMAP on "
      "127.0.0.1:4993; all files in {1}.\n"
      "Next:\n"
      "  ringpost serve --config {0} &\n"
      "  ringpost user add anna --config {0}\n"
      "  swaks --server 127.0.0.1:2525 --to anna@localhost\n"
      "  curl --insecure --user anna 'imaps://127.0.0.1:4993/INBOX;MAILINDEX=1'\n",
      file, plan.directory);
}

int init(Context& context, InitPlan plan) {
  plan.directory = whole_path(plan.directory);
  if (auto written = write_configuration(context, plan); !written) return fail_with(context, written.error());
  if (context.json)
    context.out(fmt::format("{{\"config\":{}}}\n", json_quoted(plan.directory + "/ringpost.toml")));
  else
    context.out(next_steps(plan));
  return kDone;
}

Result<void> check_names(const InitPlan& plan) {
  std::vector<std::string> names = plan.domains;
  if (plan.hostname) names.push_back(*plan.hostname);
  for (const std::string& name : names)
    if (!mail::is_valid_domain(name, false))
      return fail(ErrorKind::permanent,
                  fmt::format("\"{}\" is no name of a host or domain; write it as mx1.example.com", name));
  return {};
}

}  // namespace

Result<void> write_configuration(const Context& context, const InitPlan& plan) {
  RP_CHECK(check_names(plan));
  server::Configuration defaults;
  const config::Schema schema = context.program.schema_of(defaults);
  const std::string text =
      config::sample(schema, heading_of(plan), plan.hostname ? real_values(plan) : trial_values(plan));
  // First of all: a folder that has a configuration stays as it is.
  const std::string file = plan.directory + "/ringpost.toml";
  if (access(file.c_str(), F_OK) == 0)
    return fail(ErrorKind::permanent, file + " is there already; move it away, or choose another folder");
  RP_CHECK(make_folder(plan.directory));
  RP_CHECK(write_certificate(plan));
  RP_CHECK(write_new(plan.directory + "/aliases", aliases_text(!plan.hostname), 0644));
  RP_CHECK(write_new(file, text, 0644));
  give_to_server(plan);
  return {};
}

void add_init_command(CLI::App& app, Registry& registry) {
  Context& context = registry.context;
  const auto plan = std::make_shared<InitPlan>();
  const auto hostname = std::make_shared<std::string>();
  CLI::App* command =
      registry.leaf(app, "init", "Writes a working configuration with comments, and a certificate",
                    "  ringpost init /tmp/mail                                        to try out: loopback, "
                    "high ports, no root\n"
                    "  ringpost init /etc/ringpost --hostname mx1.example.com --domain example.com",
                    [&context, plan, hostname] {
                      if (!hostname->empty()) plan->hostname = *hostname;
                      return init(context, *plan);
                    });
  command->add_option("DIR", plan->directory, "The folder; it is made, and nothing in it is overwritten")
      ->required();
  command->add_option(
      "--hostname", *hostname,
      "The name of this host in the world: for real, on ports 25, 465, 587, 143, 993 and 995");
  command->add_option("--domain", plan->domains, "A domain whose mail ends here; may be given several times");
}

}  // namespace ringpost::command
