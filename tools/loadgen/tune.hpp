// `loadgen tune`: tries values of a server's options under load, and keeps those that are better beyond noise.
//
// Layer: tool. Starts and stops the server that it is told; touches no configuration but copies of its own.
// Limits: kTuneRunsMax runs altogether; each is bounded by the load's duration.
#pragma once

#include <string>
#include <vector>

#include "smtp_options.hpp"

namespace ringpost::loadgen {

enum class Goal : std::uint8_t { rate, p99, cpu };

struct Variation {
  std::string key;                  // "cores.wait"
  std::vector<std::string> values;  // as TOML
};

struct TuneOptions {
  std::string config_file;
  std::string server = "ringpost serve --config {config}";
  std::string measure;          // a command that prints one number, instead of server and load
  bool less_is_better = false;  // of what it prints
  Goal goal = Goal::rate;
  std::vector<Variation> variations;
  std::uint64_t rounds = 6;
  std::string out_file;
  SmtpOptions load;
};

// 0 when something better was found, 1 when all was kept, 2 when it could not be done.
int run_tune(const TuneOptions& options);

}  // namespace ringpost::loadgen
