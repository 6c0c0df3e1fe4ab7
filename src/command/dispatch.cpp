#include "dispatch.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "ringpost/server/version.hpp"

#include "families.hpp"

namespace ringpost::command {

CLI::App* Registry::leaf(CLI::App& parent, const std::string& name, const std::string& help,
                         const std::string& example, std::function<int()> run) {
  CLI::App* command = parent.add_subcommand(name, help);
  command->add_option("--config", context.config, "The configuration file")->capture_default_str();
  command->add_flag("--json", context.json, "JSON for programs, a value a line");
  command->footer("Example:\n" + example);
  command->callback([this, run = std::move(run)] { action = run; });
  return command;
}

CLI::App* Registry::family(CLI::App& parent, const std::string& name, const std::string& help) {
  CLI::App* group = parent.add_subcommand(name, help);
  group->require_subcommand(1);
  return group;
}

int run_command(Context& context, const std::vector<std::string>& words) {
  Registry registry{context, {}};
  CLI::App app("Ringpost, a mail server", "ringpost");
  app.require_subcommand(1);
  app.set_version_flag("--version", fmt::format("ringpost {}", server::kVersion));
  app.footer(
      "Example: a server to try out, on this host alone\n"
      "  ringpost init /tmp/mail && ringpost serve --config /tmp/mail/ringpost.toml\n"
      "Every command explains itself with --help.");
  add_configuration_commands(app, registry);
  add_server_commands(app, registry);
  add_top_command(app, registry);
  add_trace_command(app, registry);
  add_queue_commands(app, registry);
  add_user_commands(app, registry);
  add_alias_commands(app, registry);
  add_mailbox_commands(app, registry);
  add_spool_commands(app, registry);
  add_filter_commands(app, registry);
  try {
    std::vector<std::string> reversed(words.rbegin(), words.rend());
    app.parse(reversed);
  } catch (const CLI::CallForHelp&) {
    context.out(app.help());
    return kDone;
  } catch (const CLI::CallForAllHelp&) {
    context.out(app.help("", CLI::AppFormatMode::All));
    return kDone;
  } catch (const CLI::CallForVersion& version) {
    context.out(std::string(version.what()) + "\n");
    return kDone;
  } catch (const CLI::ParseError& error) {
    complain(context, error.what(),
             "`ringpost --help`, or --help after the command, shows what can be written");
    return kUsage;
  }
  return registry.action ? registry.action() : kUsage;
}

}  // namespace ringpost::command
