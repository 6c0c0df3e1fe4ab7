// The options of IMAP and POP3 loads, on the command line and in scenario files.
//
// Layer: tool; CLI11.
#pragma once

#include <CLI/CLI.hpp>

#include "access_options.hpp"

namespace ringpost::loadgen {

// `options.protocol` says which; they outlive the parsing.
void add_access(CLI::App& app, AccessOptions& options);
// What no single option can see; empty: nothing.
std::string complaint(const AccessOptions& options);

}  // namespace ringpost::loadgen
