// From the command line to a command. Private: tests call it with their own Context.
#pragma once

#include <string>
#include <vector>

#include "context.hpp"

namespace ringpost::command {

// `words` without the name of the program.
int run_command(Context& context, const std::vector<std::string>& words);

}  // namespace ringpost::command
