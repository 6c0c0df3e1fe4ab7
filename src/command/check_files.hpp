// What `check` says about the files that a good configuration names: certificates, keys and aliases.
#pragma once

#include <string>
#include <vector>

#include "ringpost/server/configuration.hpp"

namespace ringpost::command {

std::vector<config::Finding> check_files(const server::LoadedConfiguration& loaded,
                                         const std::string& hostname);

}  // namespace ringpost::command
