#include "ringpost/server/rule_files.hpp"

#include <algorithm>
#include <filesystem>
#include <tuple>

#include <fmt/format.h>

#include "ringpost/filter/limits.hpp"
#include "ringpost/patterns/limits.hpp"
#include "ringpost/server/files.hpp"

namespace ringpost::server {

namespace {

constexpr Bytes kRuleFileMax{filter::kRuleTextMax};

// The names in a folder that end so, sorted.
Result<std::vector<std::string>> names_in(const std::string& folder, std::string_view ending) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string path = at->path().string();
    if (path.ends_with(ending) && at->is_regular_file(error)) names.push_back(path);
  }
  if (error) return fail_system(error.value(), "read " + folder);
  std::ranges::sort(names);
  return names;
}

}  // namespace

Result<std::vector<filter::RuleFile>> read_rule_files(const std::vector<std::string>& paths) {
  std::vector<filter::RuleFile> files;
  for (const std::string& path : paths) {
    std::error_code error;
    std::vector<std::string> names{path};
    if (std::filesystem::is_directory(path, error)) {
      names = RP_TRY(names_in(path, ".pre"));
      for (std::string& name : RP_TRY(names_in(path, ".cf"))) names.push_back(std::move(name));
    }
    for (std::string& name : names) {
      std::string text = RP_TRY(read_file(name, kRuleFileMax));
      files.push_back({std::move(name), std::move(text)});
    }
  }
  return files;
}

Result<std::string> read_included_rules(const std::string& path) {
  return read_file(path, kRuleFileMax);
}

std::string rule_cache_path(const std::string& folder, const filter::RuleSet& rules,
                            const filter::EngineOptions& options) {
  return fmt::format("{}/filter-{}.cache", folder, filter::Engine::cache_key(rules, options));
}

std::shared_ptr<const filter::Engine> cached_engine(const std::string& folder,
                                                    const std::shared_ptr<const filter::RuleSet>& rules,
                                                    const filter::EngineOptions& options) {
  const auto bytes = read_file(rule_cache_path(folder, *rules, options), Bytes{patterns::kCacheSizeMax});
  if (!bytes) return nullptr;
  auto restored = filter::Engine::restored(rules, options, *bytes);
  return restored ? *std::move(restored) : nullptr;
}

std::vector<filter::Problem> all_problems(const filter::Engine& engine) {
  std::vector<filter::Problem> problems(engine.rules().problems().begin(), engine.rules().problems().end());
  problems.insert(problems.end(), engine.problems().begin(), engine.problems().end());
  std::ranges::sort(problems, [](const filter::Problem& a, const filter::Problem& b) {
    return std::tie(a.place, a.text) < std::tie(b.place, b.text);
  });
  return problems;
}

}  // namespace ringpost::server
