// check, config; init has a file of its own.
#include <algorithm>

#include <fmt/format.h>

#include "ringpost/config/print.hpp"

#include "check_files.hpp"
#include "families.hpp"
#include "init.hpp"

namespace ringpost::command {

namespace {

std::string plural(std::size_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

int check(Context& context) {
  server::LoadedConfiguration loaded = context.program.load(context.config);
  std::vector<config::Finding> findings = loaded.loaded.findings;
  // The parts of a broken configuration are no ground to look for files.
  if (loaded.loaded.ok())
    for (config::Finding& finding : check_files(loaded, context.program.hostname_of(*loaded.configuration)))
      findings.push_back(std::move(finding));
  const auto errors = static_cast<std::size_t>(
      std::ranges::count(findings, config::Severity::error, &config::Finding::severity));
  if (context.json) {
    context.out(config::to_json(findings));
    return errors == 0 ? kDone : kFindings;
  }
  for (const config::Finding& finding : findings) context.out(config::to_string(finding) + "\n");
  if (errors == 0)
    context.out(fmt::format("{}: good ({}, {})\n", context.config, plural(loaded.loaded.files.size(), "file"),
                            plural(findings.size(), "warning")));
  else
    context.out(fmt::format("{}: {}, {}\n", context.config, plural(errors, "error"),
                            plural(findings.size() - errors, "warning")));
  return errors == 0 ? kDone : kFindings;
}

int show_reference(Context& context) {
  server::Configuration configuration;
  context.out(config::reference(context.program.schema_of(configuration)));
  return kDone;
}

int show_values(Context& context) {
  const auto loaded = load_good(context);
  if (!loaded) return kFindings;
  context.out(context.json ? config::show_json(*loaded->schema, loaded->loaded)
                           : config::show(*loaded->schema, loaded->loaded));
  return kDone;
}

}  // namespace

void add_configuration_commands(CLI::App& app, Registry& registry) {
  Context& context = registry.context;
  add_init_command(app, registry);
  CLI::App* checking =
      registry.leaf(app, "check", "Looks for everything that is wrong with a configuration",
                    "  ringpost check /etc/ringpost/ringpost.toml\n"
                    "  Each finding names file, line and key, and says what to write instead.",
                    [&context] { return check(context); });
  checking->add_option("FILE", context.config, "The configuration file");
  CLI::App* config = Registry::family(app, "config", "Says what can be configured, and what is");
  registry.leaf(*config, "reference", "Every table and key with its meaning, in Markdown",
                "  ringpost config reference | less", [&context] { return show_reference(context); });
  registry.leaf(*config, "show", "The effective value of every key, and the line that set it",
                "  ringpost config show | grep -v default", [&context] { return show_values(context); });
}

}  // namespace ringpost::command
