#include "ringpost/server/rule_files.hpp"

#include <algorithm>
#include <filesystem>
#include <tuple>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "ringpost/filter/limits.hpp"
#include "ringpost/patterns/limits.hpp"
#include "ringpost/server/files.hpp"

namespace ringpost::server {

namespace {

constexpr Bytes kRuleFileMax{filter::kRuleTextMax};

// The names in a folder that end so, sorted, but for folders among them.
Result<std::vector<std::string>> names_in(const std::string& folder, std::string_view ending) {
  std::vector<std::string> names;
  std::error_code error, ignored;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string path = at->path().string();
    if (path.ends_with(ending) && !at->is_directory(ignored)) names.push_back(path);
  }
  if (error) return fail_system(error.value(), "read " + folder);
  std::ranges::sort(names);
  return names;
}

// A pipe would be waited for without end, and a device may have none.
Result<std::string> read_regular(const std::string& path) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (error) return fail_system(error.value(), path);
  if (!std::filesystem::is_regular_file(status))
    return fail(ErrorKind::permanent, path + " is no regular file");
  return read_file(path, kRuleFileMax);
}

// What has the name of a rule file and is none, as a link whose file is gone, is named; the rest of the folder counts.
Result<void> read_folder(const std::string& folder, std::vector<filter::RuleFile>& files) {
  std::vector<std::string> names = RP_TRY(names_in(folder, ".pre"));
  for (std::string& name : RP_TRY(names_in(folder, ".cf"))) names.push_back(std::move(name));
  if (names.empty()) files.push_back({.name = folder, .trouble = "no .cf file is in this folder"});
  for (std::string& name : names) {
    std::error_code error;
    if (std::filesystem::is_regular_file(name, error)) {
      std::string text = RP_TRY(read_regular(name));
      files.push_back({.name = std::move(name), .text = std::move(text)});
    } else {
      files.push_back({.name = std::move(name),
                       .trouble = error ? "not read: " + error.message() : "not read: no regular file"});
    }
  }
  return {};
}

}  // namespace

Result<std::vector<filter::RuleFile>> read_rule_files(const std::vector<std::string>& paths) {
  std::vector<filter::RuleFile> files;
  for (const std::string& path : paths) {
    std::error_code error;
    if (std::filesystem::is_directory(path, error))
      RP_CHECK(read_folder(path, files));
    else
      files.push_back({.name = path, .text = RP_TRY(read_regular(path))});
  }
  return files;
}

Result<std::string> read_included_rules(const std::string& path) {
  return read_regular(path);
}

Result<std::shared_ptr<const filter::RuleSet>> load_rule_files(const std::vector<std::string>& paths,
                                                               filter::LoadOptions options) {
  const std::vector<filter::RuleFile> files = RP_TRY(read_rule_files(paths));
  options.read = read_included_rules;
  auto rules = filter::load_rules(files, options);
  if (!rules->rules().empty()) return rules;
  std::string text = fmt::format("there is no rule in {}", fmt::join(paths, ", "));
  for (const filter::RuleFile& file : files)
    if (!file.trouble.empty()) text += fmt::format("; {}: {}", file.name, file.trouble);
  return fail(ErrorKind::permanent, std::move(text));
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
