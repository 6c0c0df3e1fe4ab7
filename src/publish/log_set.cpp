#include "log_set.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <unistd.h>

namespace ringpost::publish {

namespace {

using observe::EventKey;

// The last resort of a server whose only log does not work.
void say_on_stderr(const std::string& text) {
  const std::string line = "ringpost: " + text + "\n";
  (void)!write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace

Result<LogSet> LogSet::open(const Named<LogOptions>& logs, const SinkPlaces& places) {
  LogSet set;
  for (const auto& [name, options] : logs) {
    auto sink = make_sink(options, places);
    if (!sink) return fail(std::move(sink.error()).in("log." + name));
    set.logs_.push_back({"log." + name, std::move(*sink)});
  }
  if (set.logs_.empty())
    set.logs_.push_back({"log", make_stream_sink(STDERR_FILENO, LogFormat::maillog, places)});
  return set;
}

void LogSet::add(const Event& event) {
  for (Log& log : logs_) log.sink->add(event);
}

void LogSet::add_notice(std::string_view severity, std::string_view subject, std::string_view text,
                        WallTime now) {
  Event event{.type = observe::EventType::notice, .time = now};
  if (!severity.empty()) event.fields.emplace_back(EventKey::severity, severity);
  if (!subject.empty()) event.fields.emplace_back(EventKey::subject, subject);
  event.fields.emplace_back(EventKey::text, text);
  add(event);
}

void LogSet::flush(WallTime now) {
  for (Log& log : logs_) log.sink->flush();
  for (Log& log : logs_) {
    const bool works = log.sink->problem().empty();
    if (!works && !log.failing) report_failure(log, now);
    if (works && log.sink->lost() > log.lost_said) report_recovery(log, now);
  }
  for (Log& log : logs_) log.sink->flush();
}

void LogSet::report_failure(Log& log, WallTime now) {
  log.failing = true;
  const std::string text = log.sink->problem() + "; lines are lost until it works again";
  const auto listens = [](const Log& other) { return !other.failing; };
  if (std::ranges::any_of(logs_, listens))
    add_notice("error", log.name, text, now);
  else
    say_on_stderr(log.name + ": " + text);
}

void LogSet::report_recovery(Log& log, WallTime now) {
  const std::uint64_t lost = log.sink->lost() - log.lost_said;
  log.failing = false;
  log.lost_said = log.sink->lost();
  add_notice("warning", log.name, fmt::format("the log works; {} lines before this one were lost", lost),
             now);
}

std::uint64_t LogSet::lines() const {
  std::uint64_t sum = 0;
  for (const Log& log : logs_) sum += log.sink->lines();
  return sum;
}
std::uint64_t LogSet::lost() const {
  std::uint64_t sum = 0;
  for (const Log& log : logs_) sum += log.sink->lost();
  return sum;
}

}  // namespace ringpost::publish
