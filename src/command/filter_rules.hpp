// The rules that the configuration or --rules names, and the cache of what was compiled from them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ringpost/filter/engine.hpp"

#include "context.hpp"
#include "filter_bayes.hpp"

namespace ringpost::command {

struct FilterArguments {
  std::vector<std::string> rules;  // instead of those of the configuration
  std::string cache;               // a folder; "": the state directory of the configuration
  std::string bayes;               // a file; "": bayes.db in the folder of the cache
  std::string user;                // whose Bayes; "": the site's
  std::string score_set = "auto";  // plain, or bayes when enough was learned
  bool local = false;
  bool all = false;  // hidden parts too
};

struct FilterSetup {
  std::shared_ptr<const filter::RuleSet> rules;
  filter::EngineOptions options;
  std::string cache_folder;  // "": none
  filter::BayesSettings bayes_settings;
  std::string bayes_file;                       // "": none
  std::shared_ptr<const BayesKnowledge> bayes;  // when the score set is one with Bayes
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
