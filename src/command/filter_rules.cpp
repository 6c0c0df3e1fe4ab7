#include "filter_rules.hpp"

#include <cerrno>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "ringpost/command/limits.hpp"
#include "ringpost/server/rule_files.hpp"

#include "files.hpp"

namespace ringpost::command {

namespace {

// Written beside and renamed, so that a reader sees all of it or nothing.
Result<void> replace_file(const std::string& path, std::string_view bytes) {
  const std::string fresh = path + ".new";
  const int file = open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return fail_system(errno, "write " + fresh);
  while (!bytes.empty()) {
    const ssize_t count = write(file, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      const int error = errno;
      close(file);
      return fail_system(error, "write " + fresh);
    }
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  close(file);
  if (rename(fresh.c_str(), path.c_str()) != 0) return fail_system(errno, "rename " + fresh);
  return {};
}

Result<filter::ScoreSet> score_set_named(std::string_view name) {
  for (const auto set :
       {filter::ScoreSet::plain, filter::ScoreSet::net, filter::ScoreSet::bayes, filter::ScoreSet::bayes_net})
    if (name == filter::to_string(set)) return set;
  return fail(ErrorKind::permanent,
              fmt::format("there is no score set '{}'; take auto, plain, net, bayes or bayes-net", name));
}

// Which scores, and what Bayes knows where they are those with Bayes.
Result<void> choose_scores(const FilterArguments& arguments, FilterSetup& setup) {
  const bool automatic = arguments.score_set == "auto";
  if (!automatic) setup.options.score_set = RP_TRY(score_set_named(arguments.score_set));
  if (!automatic && (static_cast<unsigned>(setup.options.score_set) & 2U) == 0) return {};
  setup.bayes = RP_TRY(BayesKnowledge::read(setup.bayes_file, setup.bayes_settings, arguments.user));
  if (automatic && setup.bayes && setup.bayes->trained()) setup.options.score_set = filter::ScoreSet::bayes;
  if (automatic && setup.options.score_set == filter::ScoreSet::plain) setup.bayes = nullptr;
  return {};
}

}  // namespace

Result<FilterSetup> filter_setup(const Context& context, const FilterArguments& arguments) {
  FilterSetup setup;
  std::vector<std::string> paths = arguments.rules;
  setup.scan_size = filter::FilterOptions{}.scan_size;
  setup.cache_folder = arguments.cache;
  if (paths.empty()) {
    const auto loaded = load_good(context);
    if (!loaded)
      return fail(ErrorKind::permanent, "the configuration has errors; `ringpost check` names them");
    for (const FilePath& path : loaded->configuration->filter.rules) paths.push_back(path.text);
    setup.scan_size = loaded->configuration->filter.scan_size;
    if (setup.cache_folder.empty()) setup.cache_folder = loaded->configuration->server.state_directory.text;
  }
  if (paths.empty())
    return fail(ErrorKind::permanent, "there are no rules; name them in filter.rules, or with --rules");
  filter::LoadOptions options;
  options.local_only = arguments.local;
  setup.rules = RP_TRY(server::load_rule_files(paths, std::move(options)));
  setup.bayes_settings = filter::make_bayes_settings(setup.rules->settings());
  setup.bayes_file = arguments.bayes;
  if (setup.bayes_file.empty() && !setup.cache_folder.empty())
    setup.bayes_file = setup.cache_folder + "/bayes.db";
  RP_CHECK(choose_scores(arguments, setup));
  setup.options.keep_hidden = arguments.all;
  return setup;
}

ReadyEngine ready_engine(const FilterSetup& setup, bool compile_anew) {
  ReadyEngine ready;
  if (!setup.cache_folder.empty()) {
    ready.cache_path = server::rule_cache_path(setup.cache_folder, *setup.rules, setup.options);
    if (!compile_anew) ready.engine = server::cached_engine(setup.cache_folder, setup.rules, setup.options);
    ready.from_cache = ready.engine != nullptr;
    if (ready.from_cache) return ready;
  }
  ready.engine = filter::Engine::compiled(setup.rules, setup.options);
  if (!ready.cache_path.empty())
    if (auto written = replace_file(ready.cache_path, ready.engine->cache()); !written)
      ready.cache_error = written.error().text;
  return ready;
}

}  // namespace ringpost::command
