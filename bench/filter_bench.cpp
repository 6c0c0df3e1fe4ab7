// CPU of the spam filter for each mail, with real rules and real mails.
//
// Usage: bench_filter CACHE RULES[:RULES...] MAIL...      A cache that is not there is made first, which takes a while.
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
  std::string name;
  std::vector<double> seconds;
  void print() {
    std::ranges::sort(seconds);
    double sum = 0;
    for (const double one : seconds) sum += one;
    const auto at = [&](double part) {
      return 1e6 * seconds[static_cast<std::size_t>(part * static_cast<double>(seconds.size() - 1))];
    };
    fmt::print("{:<22} median {:8.0f} us  mean {:8.0f} us  95 % {:8.0f} us\n", name, at(0.5),
               1e6 * sum / static_cast<double>(seconds.size()), at(0.95));
  }
};

std::shared_ptr<const filter::Engine> engine_of(const std::string& cache,
                                                const std::shared_ptr<const filter::RuleSet>& rules) {
  if (!std::filesystem::exists(cache))
    std::ofstream(cache, std::ios::binary) << filter::Engine::compiled(rules, {})->cache();
  const std::string bytes = read_file(cache);
  const double start = cpu_seconds();
  auto engine = filter::Engine::restored(rules, {}, bytes);
  fmt::print("{:<22} {:.1f} ms of CPU, {} bytes\n", "restore the cache", 1e3 * (cpu_seconds() - start),
             bytes.size());
  if (!engine) fmt::print(stderr, "{}: {}\n", cache, engine.error().text);
  return engine ? *engine : nullptr;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    fmt::print(stderr, "usage: bench_filter CACHE RULES[:RULES...] MAIL...\n");
    return 2;
  }
  const auto files = read_rules(argv[2]);
  const double start = cpu_seconds();
  const auto rules = filter::load_rules(files, {.local_only = true});
  fmt::print("{:<22} {:.1f} ms of CPU, {} rules\n", "read the rules", 1e3 * (cpu_seconds() - start),
             rules->rules().size());
  const auto engine = engine_of(argv[1], rules);
  if (!engine) return 1;

  std::vector<std::string> mails;
  std::size_t bytes = 0;
  for (int i = 3; i < argc; ++i) {
    mails.push_back(read_file(argv[i]));
    bytes += mails.back().size();
  }
  patterns::Scratch scratch;
  Timing all{"a mail", {}}, view{"  of it: the view", {}}, rest{"  of it: the rules", {}};
  std::size_t hits = 0;
  // The first round makes what is made when it is first needed.
  constexpr int kRounds = 4;
  for (int round = 0; round < kRounds; ++round) {
    for (const std::string& mail : mails) {
      const filter::Facts facts;
      const double begin = cpu_seconds();
      const filter::MessageView message(mail, engine->view_settings(), facts, scratch);
      while (message.prepare_next()) {
      }
      const double prepared = cpu_seconds();
      filter::Scan scan(engine, message, facts, scratch);
      while (scan.advance()) {
      }
      hits += scan.verdict().hits.size();
      const double end = cpu_seconds();
      if (round == 0) continue;
      all.seconds.push_back(end - begin);
      view.seconds.push_back(prepared - begin);
      rest.seconds.push_back(end - prepared);
    }
  }
  fmt::print("{} mails of {} bytes on average, {} hits\n", mails.size(), bytes / mails.size(),
             hits / kRounds);
  all.print();
  view.print();
  rest.print();
  return 0;
}
