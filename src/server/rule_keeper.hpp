// The rules that the server runs: read at start and at each reload, compiled by a process beside it, swapped when that is done.
//
// Layer:   program. Owner: Process; a thread of its own waits for the compiler.
// Compile: `ringpost filter compile` as a child with low priority, which leaves the result in the state directory. So its memory is
//          given back, an end of the server does not wait for it, and a library that runs away takes nothing along. Until it is done
//          PCRE2 alone serves the same rules, with the same verdicts.
// Limits:  one compiler at a time; results of kCachesKept rule sets stay on disk.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <sys/types.h>

#include "ringpost/base/result.hpp"
#include "ringpost/filter/engine.hpp"
#include "ringpost/server/configuration.hpp"

namespace ringpost::server {

inline constexpr std::size_t kCachesKept = 4;

struct LoadedRules {
  std::shared_ptr<const filter::Engine> engine;  // null: there are no rules
  std::vector<std::string> errors;               // "local.cf:3: ...": those lines are skipped
  std::string summary;                           // "2965 rules from 58 files, compiled"
};
// Which column of scores these rules run with: whether there is a network for them, and Bayes has learned enough.
using ChooseScores = std::function<Result<filter::ScoreSet>(const filter::RuleSet& rules)>;
// Blocking. An error: a file cannot be read.
Result<LoadedRules> load_rules_of(const Configuration& configuration, const ChooseScores& choose);

class RuleKeeper {
 public:
  // Called on the keeper's thread.
  using Ready = std::function<void(std::shared_ptr<const filter::Engine> engine)>;
  using Notice = std::function<void(const std::string& text)>;
  RuleKeeper(Ready ready, Notice notice);
  ~RuleKeeper() { stop(); }

  // Has `interim` compiled, in the place of what was to be compiled before.
  void compile(const Configuration& configuration, std::shared_ptr<const filter::Engine> interim);
  // Ends the compiler, if one runs, and the thread.
  void stop();

 private:
  struct Wish {
    std::vector<std::string> paths;
    std::string folder;
    std::shared_ptr<const filter::Engine> interim;
  };
  void serve();
  void work_on(const Wish& wish);
  // 0: done; -1: it was not started, or ended.
  int run_compiler(const Wish& wish);
  int wait_for_compiler(pid_t process);

  Ready ready_;
  Notice notice_;
  std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  std::unique_ptr<Wish> wish_;
  pid_t compiler_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace ringpost::server
