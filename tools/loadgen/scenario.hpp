// Runs that a TOML file describes.
//
// Layer: tool.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "access_options.hpp"
#include "smtp_options.hpp"

namespace ringpost::loadgen {

struct Scenario {
  std::string folder = ".";
  std::uint64_t repeat = 1;
  std::vector<std::variant<SmtpOptions, AccessOptions>> runs;  // each with its name
};

// `file` is for messages. Everything that is wrong with a run is found before the first begins.
Result<Scenario> parse_scenario(std::string_view text, const std::string& file);
// The exit code: the worst of the runs'.
int run_scenario(const std::string& path);

}  // namespace ringpost::loadgen
