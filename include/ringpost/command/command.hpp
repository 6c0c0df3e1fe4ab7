// What the program does when it is called: `ringpost COMMAND ...`, or as sendmail, mailq or newaliases.
//
// Layer:  program. Single thread, blocking; talks to a running server over the control endpoint.
// Exit:   0 done, 1 findings or refused, 2 wrong usage, 75 the server cannot be reached; sendmail has its sysexits.
#pragma once

#include <string>

#include "ringpost/server/configuration.hpp"

namespace ringpost::command {

// What lies above the commands and so is given to them.
struct Program {
  int (*serve)(const std::string& config_path) = nullptr;
  server::LoadedConfiguration (*load)(const std::string& config_path) = nullptr;
  config::Schema (*schema_of)(server::Configuration& configuration) = nullptr;
  std::string (*hostname_of)(const server::Configuration& configuration) = nullptr;
};

int run(int argc, char** argv, const Program& program);

}  // namespace ringpost::command
