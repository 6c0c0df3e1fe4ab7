// CPU of the spam filter for each mail, with real rules and real mails.
//
// Usage: bench_filter [--json | --hits | --each] CACHE RULES[:RULES...] MAIL...
// A cache that is not there is made first, which takes a while. --hits prints what each mail got instead, to compare; --each what
// it took and its longest step, for mails that are built to take long.
// Prints the time to read the rules, to restore the cache and to judge a mail (median, mean, 95 %), in steps of a scan.
#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>

#include "ringpost/filter/scan.hpp"

using namespace ringpost;

namespace {

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::vector<filter::RuleFile> read_rules(std::string_view paths) {
  std::vector<filter::RuleFile> files;
  std::stringstream list{std::string(paths)};
  for (std::string path; std::getline(list, path, ':');) {
    std::vector<std::filesystem::path> names;
    for (const auto& entry : std::filesystem::directory_iterator(path))
      if (entry.path().extension() == ".cf" || entry.path().extension() == ".pre")
        names.push_back(entry.path());
    std::ranges::sort(names);
    for (const auto& name : names) files.push_back({name.string(), read_file(name)});
  }
  return files;
}

struct Timing {
  std::vector<double> seconds;
  double at(double part) {
    std::ranges::sort(seconds);
    return seconds.empty()
               ? 0
               : 1e6 * seconds[static_cast<std::size_t>(part * static_cast<double>(seconds.size() - 1))];
  }
  double mean() const {
    double sum = 0;
    for (const double one : seconds) sum += one;
    return seconds.empty() ? 0 : 1e6 * sum / static_cast<double>(seconds.size());
  }
  // Of each mail the fastest of its rounds, in the order in which they were timed: what else runs on the machine shows least.
  double fastest_mean(std::size_t mails) const {
    double sum = 0;
    for (std::size_t mail = 0; mail < mails; ++mail) {
      double best = seconds[mail];
      for (std::size_t at = mail; at < seconds.size(); at += mails) best = std::min(best, seconds[at]);
      sum += best;
    }
    return 1e6 * sum / static_cast<double>(mails);
  }
  void print(std::string_view name) {
    fmt::print("{:<22} median {:8.0f} us  mean {:8.0f} us  95 % {:8.0f} us\n", name, at(0.5), mean(),
               at(0.95));
  }
};

struct Figures {
  std::size_t rules = 0, mails = 0, bytes = 0, hits = 0, database_bytes = 0;
  double read_ms = 0, restore_ms = 0, compile_seconds = 0;
  Timing all, view, rest, five_kib;
  // As in a server that has been running for a while: in the first rounds expressions are compiled when they are first needed, and
  // get their machine code at the fifth search.
  static constexpr int kWarmUps = 5, kRounds = 3;

  void print() {
    fmt::print("read the rules         {:.1f} ms of CPU, {} rules\n", read_ms, rules);
    if (compile_seconds > 0) fmt::print("compile them           {:.1f} s of CPU\n", compile_seconds);
    fmt::print("restore the cache      {:.1f} ms of CPU, databases of {} bytes\n", restore_ms,
               database_bytes);
    fmt::print("{} mails of {} bytes on average, {} hits\n", mails, bytes / mails, hits / kWarmUps);
    fmt::print("a mail, best round     mean {:.0f} us\n", all.fastest_mean(mails));  // before `print` sorts
    all.print("a mail");
    view.print("  of it: the view");
    rest.print("  of it: the rules");
    five_kib.print("4 to 6 KiB");
  }
  void print_json() {
    fmt::print(
        "{{\"read_ms\":{},\"restore_ms\":{},\"compile_seconds\":{},\"database_bytes\":{},\"mean_us\":{},"
        "\"median_us\":{},\"five_kib_us\":{},\"five_kib_mails\":{}}}\n",
        read_ms, restore_ms, compile_seconds, database_bytes, all.mean(), all.at(0.5), five_kib.at(0.5),
        five_kib.seconds.size() / kRounds);
  }
};

std::shared_ptr<const filter::Engine> engine_of(const std::string& cache,
                                                const std::shared_ptr<const filter::RuleSet>& rules,
                                                Figures& figures) {
  if (!std::filesystem::exists(cache)) {
    const double start = cpu_seconds();
    const std::string bytes = filter::Engine::compiled(rules, {})->cache();
    figures.compile_seconds = cpu_seconds() - start;
    std::ofstream(cache, std::ios::binary) << bytes;
  }
  const double start = cpu_seconds();
  auto engine = filter::Engine::restored(rules, {}, read_file(cache));
  figures.restore_ms = 1e3 * (cpu_seconds() - start);
  if (!engine) {
    fmt::print(stderr, "{}: {}\n", cache, engine.error().text);
    return nullptr;
  }
  for (const auto& group : (*engine)->groups()) figures.database_bytes += group.set->database_size();
  return *engine;
}

void judge(const std::string& mail, const std::shared_ptr<const filter::Engine>& engine,
           patterns::Scratch& scratch, bool counts, Figures& figures) {
  const filter::Facts facts;
  const double begin = cpu_seconds();
  const filter::MessageView message(mail, engine->view_settings(), facts, scratch);
  while (message.prepare_next()) {
  }
  const double prepared = cpu_seconds();
  filter::Scan scan(engine, message, facts, scratch);
  while (scan.advance()) {
  }
  const std::size_t hits = scan.verdict().hits.size();
  const double end = cpu_seconds();
  if (!counts) {
    figures.hits += hits;
    return;
  }
  figures.all.seconds.push_back(end - begin);
  figures.view.seconds.push_back(prepared - begin);
  figures.rest.seconds.push_back(end - prepared);
  if (mail.size() >= 4096 && mail.size() <= 6144) figures.five_kib.seconds.push_back(end - begin);
}

// A line as ./dev agree writes it.
void list_hits(const std::string& name, const std::string& mail,
               const std::shared_ptr<const filter::Engine>& engine, patterns::Scratch& scratch) {
  const filter::Facts facts;
  const filter::MessageView message(mail, engine->view_settings(), facts, scratch);
  filter::Scan scan(engine, message, facts, scratch);
  while (scan.advance()) {
  }
  const filter::Verdict verdict = scan.verdict();
  fmt::print("{}\t{:.3f}\t", name, verdict.score);
  for (const filter::Hit& hit : verdict.hits)
    fmt::print("{}={:g} ", engine->rules().rule(hit.rule).name, hit.score);
  fmt::print("\n");
}

// The better of two rounds: CPU time of a mail, and of the longest of its steps, between which a core turns to others.
void time_each(const std::string& name, const std::string& mail,
               const std::shared_ptr<const filter::Engine>& engine, patterns::Scratch& scratch) {
  const filter::Facts facts;
  double best = 1e9, longest = 1e9;
  for (int round = 0; round < 2; ++round) {
    const double begin = cpu_seconds();
    const filter::MessageView message(mail, engine->view_settings(), facts, scratch);
    filter::Scan scan(engine, message, facts, scratch);
    double last = cpu_seconds(), step = last - begin;
    for (bool more = true; more;) {
      more = scan.advance();
      const double now = cpu_seconds();
      step = std::max(step, now - last);
      last = now;
    }
    (void)scan.verdict();
    best = std::min(best, cpu_seconds() - begin);
    longest = std::min(longest, step);
  }
  fmt::print("{:10.1f} ms {:10.1f} ms the longest step {:9} bytes  {}\n", 1e3 * best, 1e3 * longest,
             mail.size(), name);
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  const bool json = !arguments.empty() && arguments[0] == "--json";
  const bool lists = !arguments.empty() && arguments[0] == "--hits";
  const bool each = !arguments.empty() && arguments[0] == "--each";
  if (json || lists || each) arguments.erase(arguments.begin());
  if (arguments.size() < 3) {
    fmt::print(stderr, "usage: bench_filter [--json | --hits | --each] CACHE RULES[:RULES...] MAIL...\n");
    return 2;
  }
  Figures figures;
  const double start = cpu_seconds();
  const auto files = read_rules(arguments[1]);
  const auto rules = filter::load_rules(files, {.local_only = true});
  figures.read_ms = 1e3 * (cpu_seconds() - start);
  figures.rules = rules->rules().size();
  const auto engine = engine_of(arguments[0], rules, figures);
  if (!engine) return 1;

  std::vector<std::string> mails;
  for (std::size_t i = 2; i < arguments.size(); ++i) {
    mails.push_back(read_file(arguments[i]));
    figures.bytes += mails.back().size();
  }
  figures.mails = mails.size();
  patterns::Scratch scratch;
  if (lists || each) {
    for (std::size_t i = 0; i < mails.size(); ++i)
      (lists ? list_hits : time_each)(arguments[i + 2], mails[i], engine, scratch);
    return 0;
  }
  for (int round = 0; round < Figures::kWarmUps + Figures::kRounds; ++round)
    for (const std::string& mail : mails) judge(mail, engine, scratch, round >= Figures::kWarmUps, figures);
  if (json)
    figures.print_json();
  else
    figures.print();
  return 0;
}
