// The options of the sink, on the command line and in persona files.
//
// Layer: tool.
#pragma once

#include <CLI/CLI.hpp>

#include "sink_options.hpp"

namespace ringpost::loadgen {

void add_sink(CLI::App& app, SinkOptions& options);
// What no single option can see; empty: nothing.
std::string complaint(const SinkOptions& options);
// The tables [persona.NAME] of a TOML text; `file` is for messages.
Result<std::vector<Persona>> parse_personas(std::string_view text, const std::string& file);

}  // namespace ringpost::loadgen
