#include "smtp_report.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace ringpost::loadgen {

SmtpSummary::SmtpSummary(const SmtpPlan& plan, const std::vector<const SmtpCore*>& cores,
                         const Effort& effort)
    : plan_(plan), cores_(cores), effort_(effort) {
  for (const SmtpCore* core : cores) {
    const SmtpFigures& figures = core->figures();
    elapsed_ = std::max(elapsed_, core->elapsed());
    never_begun_ += core->never_begun();
    latency_.merge_from(figures.latency_ns);
    for (std::size_t code = 0; code < figures.codes.size(); ++code)
      if (const std::uint64_t count = figures.codes[code].value(); count > 0)
        codes_[static_cast<int>(code)] += count;
    examples_.insert(figures.examples.begin(), figures.examples.end());
    for (const auto& [text, count] : figures.troubles) troubles_[text] += count;
  }
}

std::uint64_t SmtpSummary::sum(observe::Counter SmtpFigures::* counter) const {
  std::uint64_t total = 0;
  for (const SmtpCore* core : cores_) total += (core->figures().*counter).value();
  return total;
}

std::uint64_t SmtpSummary::overdue() const {
  std::uint64_t total = 0;
  for (const SmtpCore* core : cores_) total += core->overdue();
  return total;
}

std::string SmtpSummary::text() const {
  const SmtpOptions& options = plan_.options;
  const std::uint64_t messages = acknowledged();
  const std::uint64_t bytes = sum(&SmtpFigures::bytes);
  Table table;
  table.row("acknowledged",
            fmt::format("{} messages of {} begun, {} recipients", grouped(messages),
                        grouped(sum(&SmtpFigures::begun)), grouped(sum(&SmtpFigures::recipients))));
  table.row("rate",
            fmt::format("{:.0f} messages/s, {:.1f} MB/s over {:.2f} s", per_second(messages, elapsed_),
                        per_second(bytes, elapsed_) / 1e6, std::chrono::duration<double>(elapsed_).count()));
  table.row(plan_.open() ? "latency from intended start" : "latency", percentiles(latency_));
  if (plan_.open() && never_begun_ > 0)
    table.row("late", fmt::format("{} messages were due and found no free connection before the end; the "
                                  "latencies lack them",
                                  grouped(never_begun_)));
  table.row("not acknowledged",
            fmt::format("{} refused, {} unanswered, {} refused recipients; {} further attempts",
                        sum(&SmtpFigures::refused), sum(&SmtpFigures::unanswered),
                        sum(&SmtpFigures::refused_recipients), sum(&SmtpFigures::attempts)));
  table.row("connections", fmt::format("{} made, {} failed to connect, {} not welcome, {} lost, {} timeouts",
                                       sum(&SmtpFigures::connections), sum(&SmtpFigures::connect_failures),
                                       sum(&SmtpFigures::greet_failures), sum(&SmtpFigures::lost_connections),
                                       sum(&SmtpFigures::timeouts)));
  if (options.tls != TlsUse::none)
    table.row("TLS", fmt::format("{} sessions, {} resumed", sum(&SmtpFigures::tls_sessions),
                                 sum(&SmtpFigures::tls_resumed)));
  add_effort(effort_, messages, table);
  std::string text = table.text();
  if (!codes_.empty()) text += "\nrefusals by code\n";
  for (const auto& [code, count] : codes_) {
    const auto example = examples_.find(code);
    text += fmt::format("{:>10}  {}\n", count,
                        example == examples_.end() ? std::to_string(code) : example->second);
  }
  if (!troubles_.empty()) text += "\ntroubles\n";
  for (const auto& [what, count] : troubles_) text += fmt::format("{:>10}  {}\n", count, what);
  return text;
}

std::string SmtpSummary::json() const {
  const std::uint64_t messages = acknowledged();
  JsonObject codes;
  for (const auto& [code, count] : codes_) codes.add(std::to_string(code), count);
  JsonObject examples;
  for (const auto& [code, text] : examples_) examples.add(std::to_string(code), text);
  JsonObject troubles;
  for (const auto& [text, count] : troubles_) troubles.add(text, count);
  JsonObject object;
  object.add("loop", plan_.open() ? "open" : "closed")
      .add("run", checksum_text(plan_.run))
      .add("acknowledged", messages)
      .add("begun", sum(&SmtpFigures::begun))
      .add("recipients", sum(&SmtpFigures::recipients))
      .add("bytes", sum(&SmtpFigures::bytes))
      .add("seconds", std::chrono::duration<double>(elapsed_).count())
      .add("rate", per_second(messages, elapsed_))
      .add("latency", percentiles_json(latency_))
      .add("never_begun", never_begun_)
      .add("refused", sum(&SmtpFigures::refused))
      .add("unanswered", sum(&SmtpFigures::unanswered))
      .add("refused_recipients", sum(&SmtpFigures::refused_recipients))
      .add("attempts", sum(&SmtpFigures::attempts))
      .add("connections", sum(&SmtpFigures::connections))
      .add("connect_failures", sum(&SmtpFigures::connect_failures))
      .add("greet_failures", sum(&SmtpFigures::greet_failures))
      .add("lost_connections", sum(&SmtpFigures::lost_connections))
      .add("timeouts", sum(&SmtpFigures::timeouts))
      .add("tls_sessions", sum(&SmtpFigures::tls_sessions))
      .add("tls_resumed", sum(&SmtpFigures::tls_resumed))
      .add("cpu", effort_json(effort_, messages))
      .add("codes", codes)
      .add("examples", examples)
      .add("troubles", troubles);
  return object.text();
}

}  // namespace ringpost::loadgen
