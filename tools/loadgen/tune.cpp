#include "tune.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "child.hpp"
#include "clean_text.hpp"
#include "config_edit.hpp"
#include "limits.hpp"
#include "load_run.hpp"
#include "output.hpp"
#include "process.hpp"
#include "run_file.hpp"
#include "smtp_core.hpp"
#include "tune_choice.hpp"

namespace ringpost::loadgen {

namespace {

constexpr std::size_t kConfigBytesMax = std::size_t{4} << 20;

std::string with_path(std::string command, const std::string& path) {
  constexpr std::string_view kPlace = "{config}";
  for (std::size_t at = command.find(kPlace); at != std::string::npos;
       at = command.find(kPlace, at + path.size()))
    command.replace(at, kPlace.size(), path);
  return command;
}

bool answers(const Endpoint& endpoint) {
  sockaddr_storage address{};
  const socklen_t size = to_socket_address(endpoint, address);
  const int socket = ::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (socket < 0) return false;
  // A host that drops packets is asked no longer than somebody with ^C waits.
  const timeval patience{1, 0};
  (void)setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  const bool connected = ::connect(socket, reinterpret_cast<const sockaddr*>(&address), size) == 0;
  ::close(socket);
  return connected;
}

class Tuning {
 public:
  Tuning(const TuneOptions& options, std::string text) : options_(options), text_(std::move(text)) {}

  // Measures and decides one option after the other, each with the others as they were decided.
  Result<bool> run();
  const std::string& text() const { return text_; }

 private:
  Result<void> vary(const Variation& variation);
  Result<std::vector<Candidate>> measure(const Variation& variation);
  Result<double> result_of(const std::string& text);
  Result<double> measured(const std::string& command);
  Result<double> loaded(const std::string& path);
  bool more_is_better() const {
    return options_.measure.empty() ? options_.goal == Goal::rate : !options_.less_is_better;
  }

  const TuneOptions& options_;
  std::string text_;  // of the configuration, with what is decided
  Signals signals_;
  bool changed_ = false;
};

Result<double> Tuning::measured(const std::string& command) {
  Child child = RP_TRY(Child::start(command, true));
  const std::string said = RP_TRY(child.output(kMeasureMax, signals_));
  const std::optional<double> number = measurement_in(said);
  if (!number)
    return fail(ErrorKind::permanent,
                command + " printed something else than one number: " + clean_text(said));
  return *number;
}

Result<double> Tuning::loaded(const std::string& path) {
  const Endpoint to = RP_TRY(look_up(options_.load.to[0]))[0];
  if (answers(to))
    return fail(ErrorKind::permanent, to_string(to) + " is in use: stop the server that runs there first");
  const std::string log = path + ".log";
  Child server = RP_TRY(Child::start(with_path(options_.server, path), false, log));
  const auto failed = [&](const std::string& why) {
    return fail(ErrorKind::temporary, fmt::format("{}; {} has what it said: {}", why, log,
                                                  read_file(log, kConfigBytesMax).value_or("")));
  };
  const Duration until = steady_now() + kServerStart;
  while (!answers(to)) {
    if (!server.running() || steady_now() > until) return failed("the server does not answer");
    if (signals_.wait(kLook)) return fail(ErrorKind::cancelled, "stopped");
  }
  const Duration before = server.cpu();
  SmtpOptions load = options_.load;
  load.common.quiet = true;
  auto plan = RP_TRY(SmtpPlan::make(load, wall_now(), random_number()));
  const LoadOutcome outcome = RP_TRY(run_once(std::move(plan), signals_));
  if (outcome.abandoned != 0) leave_at_once(2);
  if (outcome.interrupted) return fail(ErrorKind::cancelled, "stopped");
  if (!server.running()) return failed("the server ended under load");
  if (outcome.silence > Duration{0}) return failed("the server stopped answering under load");
  if (outcome.acknowledged == 0) return failed("nothing was acknowledged");
  if (outcome.wrong > 0)
    return failed(fmt::format(
        "{} messages were refused or unanswered, and a figure of the others says little", outcome.wrong));
  if (outcome.saturated)
    say("note: the generator had a core without time left; differences may be its own\n");
  const double cpu_us = std::chrono::duration<double, std::micro>(server.cpu() - before).count();
  server.stop(kServerStop);
  switch (options_.goal) {
    case Goal::rate:
      return outcome.rate;
    case Goal::p99:
      return static_cast<double>(outcome.latency.quantile(0.99)) / 1e6;
    case Goal::cpu:
      return cpu_us / static_cast<double>(outcome.acknowledged);
  }
  return 0;
}

Result<double> Tuning::result_of(const std::string& text) {
  // Beside the configuration, because relative paths in it belong to its folder.
  const std::string path = fmt::format("{}.tune-{}.toml", options_.config_file, getpid());
  RP_CHECK(write_file(path, text));
  Result<double> result =
      options_.measure.empty() ? loaded(path) : measured(with_path(options_.measure, path));
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  if (!result && result.error().kind == ErrorKind::cancelled) std::filesystem::remove(path + ".log", ignored);
  if (result) std::filesystem::remove(path + ".log", ignored);
  return result;
}

// Rounds, each with every value, beginning with another one each time: what changes slowly hits all alike.
Result<std::vector<Candidate>> Tuning::measure(const Variation& variation) {
  std::vector<Candidate> candidates;
  for (const std::string& value : variation.values) candidates.push_back({value, {}});
  for (std::uint64_t round = 0; round < options_.rounds; ++round)
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      Candidate& candidate = candidates[(i + round) % candidates.size()];
      const std::string text = RP_TRY(with_value(text_, variation.key, candidate.value, ""));
      const double result = RP_TRY(result_of(text));
      candidate.results.push_back(result);
      if (!options_.load.common.quiet)
        say("round {}  {} = {}  {:.2f}\n", round + 1, variation.key, candidate.value, result);
    }
  return candidates;
}

Result<void> Tuning::vary(const Variation& variation) {
  const std::vector<Candidate> candidates = RP_TRY(measure(variation));
  const Choice choice = choose(candidates, 0, more_is_better());
  changed_ = changed_ || choice.changed;
  text_ = RP_TRY(with_value(text_, variation.key, candidates[choice.index].value, choice.reason));
  const std::string told = fmt::format("{}\n{}  {} = {}: {}\n\n", variation.key, strip_plot(candidates),
                                       variation.key, candidates[choice.index].value, choice.reason);
  if (output(told, 0) != 0) return fail(ErrorKind::permanent, "nobody reads the result");
  return {};
}

Result<bool> Tuning::run() {
  for (const Variation& variation : options_.variations) RP_CHECK(vary(variation));
  return changed_;
}

Result<void> bounded(const TuneOptions& options) {
  std::uint64_t runs = 0;
  for (const Variation& variation : options.variations) runs += variation.values.size() * options.rounds;
  if (runs > kTuneRunsMax)
    return fail(ErrorKind::permanent,
                fmt::format("{} runs are more than {}: fewer values or rounds", runs, kTuneRunsMax));
  return {};
}

}  // namespace

int run_tune(const TuneOptions& options) {
  if (auto few = bounded(options); !few) return complain(few.error().text);
  if (!options.out_file.empty())
    if (auto writable = can_write(options.out_file); !writable) return complain(writable.error().text);
  auto text = read_file(options.config_file, kConfigBytesMax);
  if (!text) return complain(text.error().text);
  Tuning tuning(options, std::move(*text));
  const auto changed = tuning.run();
  if (!changed) return complain(changed.error().text);
  if (!options.out_file.empty())
    if (auto written = write_file(options.out_file, tuning.text()); !written)
      return complain(written.error().text);
  std::string said =
      *changed ? "better values were found\n" : "nothing was found that is better beyond noise\n";
  if (options.out_file.empty()) said += "\n" + tuning.text();
  return output(said, *changed ? 0 : 1);
}

}  // namespace ringpost::loadgen
