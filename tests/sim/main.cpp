// The simulator as a program: seeds in, verdicts out.
//
// Each seed runs in a process of its own, so that an assertion of the server is a finding like any other, and what a crashed
// machine leaves behind goes with it.
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "world.hpp"

// A world frees and allocates all its memory at each start: what AddressSanitizer keeps back of it by default (256 MiB) made a run half as
// long again, for each page of that is new.
extern "C" const char* __asan_default_options() {
  return "quarantine_size_mb=16";
}

namespace ringpost::simulator {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr unsigned kSecondsMax = 300;  // of processor time, for a seed

struct Options {
  std::vector<std::uint64_t> seeds;
  std::optional<double> minutes;  // fresh seeds for so long
  std::optional<std::uint64_t>
      blows;  // or until there were so many between the commit and the record of a delivery
  unsigned jobs = 1;
  bool twice = false;
  bool talkative = false;
  bool coverage = false;
  bool keep_going = false;
  bool reach = false;  // all that there is to reach must be reached
};

// What a child says: "key value" lines.
struct Verdict {
  std::uint64_t seed = 0;
  std::string violation;  // "": none
  std::uint64_t trace = 0;
  double simulated_seconds = 0;
  std::size_t promises = 0, arrivals = 0, repeats = 0, reports = 0;
  Coverage coverage;
};

std::string encode(const Outcome& outcome) {
  std::string text = fmt::format("trace {}\ntime {}\nfigures {} {} {} {}\n", outcome.trace,
                                 std::chrono::duration<double>(outcome.time).count(), outcome.promises,
                                 outcome.arrivals, outcome.repeats, outcome.reports);
  for (const auto& [what, count] : outcome.coverage.counts())
    text += fmt::format("count {} {}\n", count, what);
  std::string violation = outcome.violation.value_or("");
  std::ranges::replace(violation, '\n', ' ');
  if (outcome.violation) text += "violation " + violation + "\n";
  return text + "end\n";
}

void decode(std::string_view text, Verdict& verdict) {
  bool whole = false;
  while (!text.empty()) {
    const std::string line(text.substr(0, text.find('\n')));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const std::string rest = line.substr(std::min(line.size(), line.find(' ') + 1));
    if (line.starts_with("trace ")) verdict.trace = std::strtoull(rest.c_str(), nullptr, 10);
    if (line.starts_with("time ")) verdict.simulated_seconds = std::strtod(rest.c_str(), nullptr);
    if (line.starts_with("figures "))
      (void)std::sscanf(rest.c_str(), "%zu %zu %zu %zu", &verdict.promises, &verdict.arrivals,
                        &verdict.repeats, &verdict.reports);
    if (line.starts_with("violation ")) verdict.violation = rest;
    if (line.starts_with("count ")) {
      char* end = nullptr;
      const std::uint64_t count = std::strtoull(rest.c_str(), &end, 10);
      verdict.coverage.note(end + 1, count);
    }
    whole = whole || line == "end";
  }
  if (!whole && verdict.violation.empty()) verdict.violation = "it said no last word";
}

void write_all(int to, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(to, text.data(), text.size());
    if (count <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

struct Child {
  std::uint64_t seed = 0;
  pid_t process = -1;
  int pipe = -1;
  std::string said;
};

[[noreturn]] void live_as_child(std::uint64_t seed, int to, bool talkative, accounts::Accounts& accounts) {
  const rlimit limit{kSecondsMax, kSecondsMax + 1};
  (void)::setrlimit(RLIMIT_CPU, &limit);
  World& world = *new World(make_profile(seed), accounts);  // never destroyed: the process ends instead
  world.talkative = talkative;
  write_all(to, encode(world.run()));
  std::fflush(nullptr);
  ::_exit(0);
}

Child start_child(std::uint64_t seed, bool talkative, accounts::Accounts& accounts) {
  int ends[2];
  if (::pipe(ends) != 0) std::abort();
  std::fflush(nullptr);
  const pid_t process = ::fork();
  if (process < 0) std::abort();
  if (process == 0) {
    ::close(ends[0]);
    live_as_child(seed, ends[1], talkative, accounts);
  }
  ::close(ends[1]);
  return {.seed = seed, .process = process, .pipe = ends[0], .said = {}};
}

// True: more may come.
bool listen_to(Child& child) {
  char buffer[65536];
  const ssize_t count = ::read(child.pipe, buffer, sizeof buffer);
  if (count > 0) child.said.append(buffer, static_cast<std::size_t>(count));
  return count > 0 || (count < 0 && errno == EINTR);
}

Verdict bury(Child& child) {
  ::close(child.pipe);
  int status = 0;
  (void)::waitpid(child.process, &status, 0);
  Verdict verdict{.seed = child.seed};
  decode(child.said, verdict);
  if (WIFSIGNALED(status))
    verdict.violation = WTERMSIG(status) == SIGXCPU
                            ? fmt::format("it did not end within {} s of processor time", kSecondsMax)
                            : fmt::format("the server died: {}", strsignal(WTERMSIG(status)));
  else if (WEXITSTATUS(status) != 0)
    verdict.violation = fmt::format("the server died: status {} (see above)", WEXITSTATUS(status));
  return verdict;
}

class Seeds {
 public:
  explicit Seeds(const Options& options) : options_(options), fresh_(std::random_device{}() % 1'000'000'000) {
    if (options.minutes)
      until_ = SteadyClock::now() + std::chrono::duration_cast<SteadyClock::duration>(
                                        std::chrono::duration<double>(*options.minutes * 60));
  }
  std::optional<std::uint64_t> next() {
    if (again_) return std::exchange(again_, std::nullopt);
    std::optional<std::uint64_t> seed;
    if (at_ < options_.seeds.size())
      seed = options_.seeds[at_++];
    else if (options_.minutes && SteadyClock::now() < until_)
      seed = fresh();
    else if (options_.blows && blows < *options_.blows)
      do seed = fresh();
      while (!make_profile(*seed).mailbox_blows);
    if (options_.twice) again_ = seed;
    return seed;
  }

  std::uint64_t blows = 0;  // so far

 private:
  // One after the other from anywhere: the kinds of make_profile(), which go by remainders, come in turn, so that a short search has
  // all of them.
  std::uint64_t fresh() { return fresh_++; }

  const Options& options_;
  std::uint64_t fresh_;
  SteadyClock::time_point until_;
  std::size_t at_ = 0;
  std::optional<std::uint64_t> again_;
};

class Report {
 public:
  explicit Report(const Options& options) : options_(options) {}

  void add(const Verdict& verdict) {
    ++runs_;
    for (const auto& [what, count] : verdict.coverage.counts()) coverage_.note(what, count);
    promises_ += verdict.promises;
    simulated_hours_ += verdict.simulated_seconds / 3600;
    std::string problem = verdict.violation;
    const auto [known, fresh] = traces_.emplace(verdict.seed, verdict.trace);
    if (problem.empty() && !fresh && known->second != verdict.trace)
      problem = fmt::format("two runs differ: trace {:016x} and {:016x}", known->second, verdict.trace);
    fmt::print("seed {}: {}, trace {:016x}, {:.1f} h; {} promises, {} arrivals ({} again), {} reports\n",
               verdict.seed, problem.empty() ? "good" : "BAD", verdict.trace,
               verdict.simulated_seconds / 3600, verdict.promises, verdict.arrivals, verdict.repeats,
               verdict.reports);
    if (!problem.empty()) {
      failed_ = true;
      fmt::print("  {}\n  {}\n  replay: ./dev sim --seed {}\n", problem, describe(make_profile(verdict.seed)),
                 verdict.seed);
    }
    std::fflush(stdout);
  }

  bool failed() const { return failed_; }
  // SIGKILLs and power cuts when the owner of a mailbox had stored a mail, and who accepted it had not recorded that.
  std::uint64_t blows() const {
    return coverage_.count("machine: struck when mail was in a mailbox, before the queue knew") +
           coverage_.count("machine: struck when mail had been expunged, before the queue knew");
  }

  int conclude() const {
    const auto missed = coverage_.missed();
    if (options_.coverage || options_.minutes || options_.blows || options_.reach) {
      for (const auto& [what, count] : coverage_.counts()) fmt::print("{:>12}  {}\n", count, what);
      for (const std::string_view what : missed) fmt::print("{:>12}  {}\n", "never", what);
    }
    const bool bad = failed_ || (options_.reach && !missed.empty());
    fmt::print("{} runs, {} promises, {:.0f} simulated hours: {}\n", runs_, promises_, simulated_hours_,
               failed_ ? "FAILED"
               : bad   ? "FAILED: not all was reached; these seeds do not try it any more"
                       : "all good");
    return bad ? 1 : 0;
  }

 private:
  const Options& options_;
  Coverage coverage_;
  std::map<std::uint64_t, std::uint64_t> traces_;
  std::size_t runs_ = 0, promises_ = 0;
  double simulated_hours_ = 0;
  bool failed_ = false;
};

std::unique_ptr<accounts::Accounts> make_accounts() {
  auto accounts =
      accounts::Accounts::open({.userdb = {"sqlite"}, .passdb = {"sqlite"}, .database = ":memory:"});
  if (!accounts) {
    fmt::print(stderr, "sim: {}\n", accounts.error().text);
    std::exit(2);
  }
  for (unsigned i = 0; i < 4; ++i)
    if (auto added = (*accounts)->add_user(fmt::format("u{}@origin.test", i), "secret"); !added) std::abort();
  return std::move(*accounts);
}

int run(const Options& options) {
  const auto accounts = make_accounts();
  Seeds seeds(options);
  Report report(options);
  std::vector<Child> children;
  for (;;) {
    while ((options.keep_going || !report.failed()) && children.size() < options.jobs) {
      const auto seed = seeds.next();
      if (!seed) break;
      children.push_back(start_child(*seed, options.talkative, *accounts));
    }
    if (children.empty()) break;
    std::vector<pollfd> waiting;
    for (const Child& child : children) waiting.push_back({child.pipe, POLLIN, 0});
    (void)::poll(waiting.data(), waiting.size(), -1);
    for (std::size_t i = children.size(); i-- > 0;) {
      if (waiting[i].revents == 0 || listen_to(children[i])) continue;
      report.add(bury(children[i]));
      seeds.blows = report.blows();
      children.erase(children.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
  return report.conclude();
}

[[noreturn]] void usage() {
  fmt::print(
      stderr,
      "sim [--seed N] [--seeds FROM-TO] [--file F] [--minutes M] [--blows N] [--jobs N] [--twice] "
      "[--coverage] [--reach] [--keep-going] [--talk]\n"
      "  --seed N       this seed; may stand several times\n"
      "  --seeds A-B    these seeds\n"
      "  --file F       the seeds in that file\n"
      "  --minutes M    fresh seeds for so long\n"
      "  --blows N      fresh seeds with mailboxes, until the machine has died so often between the commit\n"
      "                 of a mail by the owner of its mailbox and the record of it by who accepted it\n"
      "  --twice        each seed twice, and the traces must be the same\n"
      "  --coverage     show which faults and states were reached, and which never\n"
      "  --reach        the same, and it is a failure when one never was\n"
      "  --keep-going   after a failure too\n"
      "  --talk         tell what happens to the machine\n");
  std::exit(2);
}

std::uint64_t number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) usage();
  return value;
}

// One seed a line; what follows it says why it is there.
void read_seeds(const std::string& path, std::vector<std::uint64_t>& seeds) {
  std::ifstream file(path);
  if (!file) {
    fmt::print(stderr, "sim: {} cannot be read\n", path);
    std::exit(2);
  }
  for (std::string line; std::getline(file, line);) {
    const std::string_view word = std::string_view(line).substr(0, line.find(' '));
    if (!word.empty() && word.front() != '#') seeds.push_back(number(word));
  }
}

Options parse(int count, char** arguments) {
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string_view word = arguments[i];
    const auto value = [&]() -> std::string_view { return i + 1 < count ? arguments[++i] : (usage(), ""); };
    if (word == "--seed") {
      options.seeds.push_back(number(value()));
    } else if (word == "--seeds") {
      const std::string_view range = value();
      const std::size_t dash = range.find('-');
      if (dash == std::string_view::npos) usage();
      for (std::uint64_t seed = number(range.substr(0, dash)); seed <= number(range.substr(dash + 1)); ++seed)
        options.seeds.push_back(seed);
    } else if (word == "--file") {
      read_seeds(std::string(value()), options.seeds);
    } else if (word == "--minutes") {
      options.minutes = std::strtod(std::string(value()).c_str(), nullptr);
    } else if (word == "--blows") {
      options.blows = number(value());
    } else if (word == "--jobs") {
      options.jobs = std::max(1U, static_cast<unsigned>(number(value())));
    } else if (word == "--twice") {
      options.twice = true;
    } else if (word == "--keep-going") {
      options.keep_going = true;
    } else if (word == "--coverage") {
      options.coverage = true;
    } else if (word == "--reach") {
      options.reach = true;
    } else if (word == "--talk") {
      options.talkative = true;
    } else {
      usage();
    }
  }
  if (options.seeds.empty() && !options.minutes && !options.blows) usage();
  return options;
}

}  // namespace
}  // namespace ringpost::simulator

int main(int count, char** arguments) {
  return ringpost::simulator::run(ringpost::simulator::parse(count, arguments));
}
