// init DIR: a configuration that works as it is.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "families.hpp"

namespace ringpost::command {

struct InitPlan {
  std::string directory;  // a whole path
  std::optional<std::string>
      hostname;  // none: a server to try out, on loopback and high ports, all of it in `directory`
  std::vector<std::string> domains;  // local ones
};

// The configuration, a certificate that the server signs itself, and an aliases file. Never over what is there.
Result<void> write_configuration(const Context& context, const InitPlan& plan);
void add_init_command(CLI::App& app, Registry& registry);

}  // namespace ringpost::command
