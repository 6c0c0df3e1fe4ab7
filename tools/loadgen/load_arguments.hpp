// The options that every kind of load has, on the command line and in tables of TOML.
//
// Layer: tool; CLI11.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <utility>

#include "ringpost/base/result.hpp"

#include "load_options.hpp"
#include "size_mix.hpp"

namespace ringpost::loadgen {

void add_target(CLI::App& app, LoadOptions& options);
// `unit`: what is counted, "messages" or "operations".
void add_load(CLI::App& app, LoadOptions& options, const std::string& unit);
void add_outputs(CLI::App& app, LoadOptions& options);
// What is wrong with them together; empty: nothing.
std::string load_complaint(const LoadOptions& options);

// "THING" or "THING:WEIGHT"
Result<std::pair<std::string, double>> parse_weight(const std::string& text);
// "4KiB" or "1KiB:60,4KiB-64KiB:30"
Result<SizeMix> parse_sizes(const std::string& text);

}  // namespace ringpost::loadgen
