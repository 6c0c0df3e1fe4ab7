// The rule files that [filter] names, and what was compiled from them on disk.
//
// Layer: program. Blocking. Owner: whoever calls.
#pragma once

#include <string>
#include <vector>

#include "ringpost/base/result.hpp"
#include "ringpost/filter/engine.hpp"
#include "ringpost/filter/rules.hpp"

namespace ringpost::server {

// Folders are read as *.pre, then *.cf, each by name. What cannot be a rule file has its `trouble` in the result; a path that is
// named and cannot be read is an error.
Result<std::vector<filter::RuleFile>> read_rule_files(const std::vector<std::string>& paths);
// What `include` in a rule file reads.
Result<std::string> read_included_rules(const std::string& path);
// Both together. That there is no rule at all is an error: such a set would let all mail pass in silence.
Result<std::shared_ptr<const filter::RuleSet>> load_rule_files(const std::vector<std::string>& paths,
                                                               filter::LoadOptions options);
// Where the compiled form of these rules is kept below the state directory.
std::string rule_cache_path(const std::string& folder, const filter::RuleSet& rules,
                            const filter::EngineOptions& options);
// From there, if it is there and fits; null otherwise.
std::shared_ptr<const filter::Engine> cached_engine(const std::string& folder,
                                                    const std::shared_ptr<const filter::RuleSet>& rules,
                                                    const filter::EngineOptions& options);
// Those of the rule files and of the engine, by place.
std::vector<filter::Problem> all_problems(const filter::Engine& engine);

}  // namespace ringpost::server
