// The rules that the configuration or --rules names, and the cache of what was compiled from them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ringpost/filter/engine.hpp"

#include "context.hpp"

namespace ringpost::command {

struct FilterArguments {
  std::vector<std::string> rules;  // instead of those of the configuration
  std::string cache;               // a folder; "": the state directory of the configuration
  std::string score_set = "plain";
  bool local = false;
  bool all = false;  // hidden parts too
};

struct FilterSetup {
  std::shared_ptr<const filter::RuleSet> rules;
  filter::EngineOptions options;
  std::string cache_folder;  // "": none
  Bytes scan_size;
};

Result<FilterSetup> filter_setup(const Context& context, const FilterArguments& arguments);
// From the cache if there is one that fits; else compiled now, which takes a while, and put there when that is possible.
struct ReadyEngine {
  std::shared_ptr<const filter::Engine> engine;
  std::string cache_path;
  bool from_cache = false;
  std::string cache_error;  // why it could not be written
};
ReadyEngine ready_engine(const FilterSetup& setup, bool compile_anew = false);

}  // namespace ringpost::command
