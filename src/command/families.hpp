// The families of commands, each in a file of its own, and what they share when they register.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "context.hpp"

namespace ringpost::command {

// The command line while it is put together; `action` is what the parsed one asks for.
struct Registry {
  Context& context;
  std::function<int()> action;

  // A command with --config, --json and an example in its help.
  CLI::App* leaf(CLI::App& parent, const std::string& name, const std::string& help,
                 const std::string& example, std::function<int()> run);
  // A word with commands below it.
  static CLI::App* family(CLI::App& parent, const std::string& name, const std::string& help);
};

void add_configuration_commands(CLI::App& app, Registry& registry);  // init, check, config
void add_server_commands(CLI::App& app, Registry& registry);         // serve, reload, stop, status, version
void add_trace_command(CLI::App& app, Registry& registry);
void add_top_command(CLI::App& app, Registry& registry);
void add_queue_commands(CLI::App& app, Registry& registry);
void add_user_commands(CLI::App& app, Registry& registry);
void add_alias_commands(CLI::App& app, Registry& registry);
void add_spool_commands(CLI::App& app, Registry& registry);
void add_filter_commands(CLI::App& app, Registry& registry);

}  // namespace ringpost::command
