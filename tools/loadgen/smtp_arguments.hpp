// The options of the sender, on the command line and in scenario files.
//
// Layer: tool.
#pragma once

#include <CLI/CLI.hpp>

#include "smtp_options.hpp"

namespace ringpost::loadgen {

void add_smtp(CLI::App& app, SmtpOptions& options);
// What no single option can see; empty: nothing.
std::string complaint(const SmtpOptions& options);

}  // namespace ringpost::loadgen
