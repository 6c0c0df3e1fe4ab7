#include "rule_keeper.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ringpost/server/rule_files.hpp"

namespace ringpost::server {

namespace {

constexpr int kCompilerNice = 10;

std::vector<std::string> paths_of(const Configuration& configuration) {
  std::vector<std::string> paths;
  for (const FilePath& path : configuration.filter.rules) paths.push_back(path.text);
  return paths;
}

// Results of older rules take room; the newest few may be wanted again by a way back.
void delete_old_caches(const std::string& folder) {
  namespace fs = std::filesystem;
  std::vector<std::pair<fs::file_time_type, fs::path>> found;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    if (name.starts_with("filter-") && name.ends_with(".cache"))
      found.emplace_back(at->last_write_time(error), at->path());
  }
  std::ranges::sort(found, std::greater());
  for (std::size_t i = kCachesKept; i < found.size(); ++i) fs::remove(found[i].second, error);
}

// What a child begins with: no signal blocked, all of them as usual, its output nowhere; its complaints are the server's.
class ChildSetup {
 public:
  ChildSetup() {
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_init(&actions);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  }
  ~ChildSetup() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  ChildSetup(const ChildSetup&) = delete;
  ChildSetup& operator=(const ChildSetup&) = delete;

  posix_spawnattr_t attributes{};
  posix_spawn_file_actions_t actions{};
};

}  // namespace

Result<LoadedRules> load_rules_of(const Configuration& configuration, const ChooseScores& choose) {
  LoadedRules loaded;
  if (configuration.filter.rules.empty()) return loaded;
  auto read = load_rule_files(paths_of(configuration), {});
  if (!read) return fail(std::move(read.error()).in("filter.rules"));
  const std::shared_ptr<const filter::RuleSet> rules = *std::move(read);
  const filter::EngineOptions engine_options{.score_set = RP_TRY(choose(*rules))};
  loaded.engine = cached_engine(configuration.server.state_directory.text, rules, engine_options);
  if (!loaded.engine) loaded.engine = filter::Engine::interim(rules, engine_options);
  for (const filter::Problem& problem : all_problems(*loaded.engine))
    if (problem.severity == filter::Severity::error)
      loaded.errors.push_back(rules->place_text(problem.place) + ": " + problem.text);
  loaded.summary = fmt::format("{} rules from {} file{}", rules->rules().size(), rules->files().size(),
                               rules->files().size() == 1 ? "" : "s");
  return loaded;
}

RuleKeeper::RuleKeeper(Ready ready, Notice notice)
    : ready_(std::move(ready)), notice_(std::move(notice)), thread_([this] { serve(); }) {}

void RuleKeeper::compile(const Configuration& configuration, std::shared_ptr<const filter::Engine> interim) {
  const std::scoped_lock lock(mutex_);
  wish_ = std::make_unique<Wish>(Wish{.paths = paths_of(configuration),
                                      .folder = configuration.server.state_directory.text,
                                      .interim = std::move(interim)});
  if (compiler_ != 0) kill(compiler_, SIGKILL);
  changed_.notify_one();
}

void RuleKeeper::stop() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
    if (compiler_ != 0) kill(compiler_, SIGKILL);
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void RuleKeeper::serve() {
  for (;;) {
    std::unique_ptr<Wish> wish;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stopping_ || wish_; });
      if (stopping_) return;
      wish = std::move(wish_);
    }
    work_on(*wish);
  }
}

void RuleKeeper::work_on(const Wish& wish) {
  const int status = run_compiler(wish);
  {
    const std::scoped_lock lock(mutex_);
    if (stopping_ || wish_) return;
  }
  // The same set of rules, so that hits have the same numbers.
  const auto rules = std::shared_ptr<const filter::RuleSet>(wish.interim, &wish.interim->rules());
  auto engine = cached_engine(wish.folder, rules, wish.interim->options());
  if (!engine) {
    notice_(fmt::format(
        "the rules of the filter could not be compiled (status {}): they are served without, more "
        "slowly; try `ringpost filter compile`",
        status));
    return;
  }
  delete_old_caches(wish.folder);
  ready_(std::move(engine));
}

int RuleKeeper::run_compiler(const Wish& wish) {
  std::vector<std::string> words{"ringpost",
                                 "filter",
                                 "compile",
                                 "--cache",
                                 wish.folder,
                                 "--score-set",
                                 std::string(filter::to_string(wish.interim->options().score_set))};
  for (const std::string& path : wish.paths) {
    words.emplace_back("--rules");
    words.push_back(path);
  }
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const ChildSetup setup;
  pid_t process = 0;
  {
    const std::scoped_lock lock(mutex_);
    if (stopping_ || wish_) return -1;
    if (posix_spawn(&process, "/proc/self/exe", &setup.actions, &setup.attributes, arguments.data(),
                    environ) != 0)
      return -1;
    compiler_ = process;
  }
  (void)setpriority(PRIO_PROCESS, static_cast<id_t>(process), kCompilerNice);
  return wait_for_compiler(process);
}

// Its number stays its own until compiler_ says that nobody may kill it any more.
int RuleKeeper::wait_for_compiler(pid_t process) {
  siginfo_t info{};
  while (waitid(P_PID, static_cast<id_t>(process), &info, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
  const std::scoped_lock lock(mutex_);
  compiler_ = 0;
  int status = -1;
  while (waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace ringpost::server
