#include "smtp_run.hpp"

#include <random>

#include <fmt/format.h>

#include "ringpost/shard/limits.hpp"

#include "limits.hpp"
#include "live_view.hpp"
#include "run_file.hpp"
#include "smtp_report.hpp"

namespace ringpost::loadgen {

namespace {

class SmtpRun {
 public:
  explicit SmtpRun(std::unique_ptr<SmtpPlan> plan) : plan_(std::move(plan)) {}

  Result<void> start();
  bool wait(Signals& signals);
  SmtpOutcome finish();

 private:
  bool finished() const;
  Look look();
  SmtpCore& sender(const shard::Core& core) { return *senders_[core.index()]; }

  std::unique_ptr<SmtpPlan> plan_;
  std::unique_ptr<shard::Runtime> runtime_;
  std::vector<std::unique_ptr<SmtpCore>> senders_;
  std::optional<EffortClock> effort_;
  Series series_;
  std::string sampling_trouble_;
  Duration started_{0};
  WallTime started_wall_;
};

Result<void> SmtpRun::start() {
  senders_.resize(shard::kCoresMax);
  runtime_ =
      RP_TRY(shard::Runtime::start(plan_->options.common.cores, [this](shard::Core& core) -> Result<void> {
        senders_[core.index()] = RP_TRY(SmtpCore::make(core, *plan_));
        return {};
      }));
  senders_.resize(runtime_->count());
  plan_->active_cores =
      static_cast<unsigned>(std::min<std::uint64_t>(runtime_->count(), plan_->options.connections));
  if (!plan_->options.common.quiet) fmt::print(stderr, "{}\n", runtime_->describe());
  effort_.emplace(*runtime_);
  started_ = steady_now();
  started_wall_ = wall_now();
  series_.add(look());
  on_each_core(*runtime_, [this](shard::Core& core) { sender(core).start(); });
  return {};
}

bool SmtpRun::finished() const {
  return std::ranges::all_of(senders_, [](const auto& one) { return one->finished(); });
}

Look SmtpRun::look() {
  Look look;
  look.cores.resize(senders_.size());
  on_each_core(*runtime_, [&](shard::Core& core) {
    look.cores[core.index()].cpu = std::chrono::duration<double>(thread_cpu_time()).count();
  });
  for (std::size_t i = 0; i < senders_.size(); ++i) {
    const SmtpFigures& figures = senders_[i]->figures();
    look.cores[i].acknowledged = figures.acknowledged.value();
    look.cores[i].bytes = figures.bytes.value();
    look.cores[i].wrong = figures.refused.value() + figures.unanswered.value();
    look.latency.add(figures.latency_ns);
  }
  look.at = steady_now() - started_;
  if (plan_->options.admin_socket.empty()) return look;
  if (auto figures = ask_figures(plan_->options.admin_socket))
    look.server = std::move(*figures);
  else
    sampling_trouble_ = figures.error().text;
  return look;
}

// True when a signal ended it.
bool SmtpRun::wait(Signals& signals) {
  LiveView view(!plan_->options.common.quiet);
  const Duration until = started_ + plan_->bound();
  Duration next = started_ + std::chrono::seconds{1};
  while (!finished() && steady_now() < until) {
    if (signals.wait(std::max(Duration{0}, std::min(kLook, until - steady_now())))) return true;
    if (steady_now() < next) continue;
    next += std::chrono::seconds{1};
    series_.add(look());
    std::uint64_t acknowledged = 0;
    for (const auto& one : senders_) acknowledged += one->figures().acknowledged.value();
    view.show(live_lines(series_.seconds(), acknowledged));
  }
  return false;
}

SmtpOutcome SmtpRun::finish() {
  on_each_core(*runtime_, [this](shard::Core& core) { sender(core).stop(); });
  wait_until([this] { return finished(); }, kDrain);
  on_each_core(*runtime_, [this](shard::Core& core) { sender(core).abort(); });
  wait_until([this] { return finished(); }, kDrain);
  series_.add(look());
  const Effort effort = effort_->so_far();
  SmtpOutcome outcome;
  outcome.abandoned = runtime_->stop(kStopBound);
  std::vector<const SmtpCore*> parts;
  for (const auto& one : senders_) parts.push_back(one.get());
  const SmtpSummary summary(*plan_, parts, effort);
  outcome.acknowledged = summary.acknowledged();
  outcome.wrong = summary.wrong();
  outcome.overdue = summary.overdue();
  outcome.rate = summary.rate();
  outcome.latency = summary.latency();
  outcome.saturated = effort.busiest() >= kSaturated;
  outcome.text = summary.text();
  if (!sampling_trouble_.empty())
    outcome.text += "\nthe server's figures are not complete: " + sampling_trouble_ + "\n";
  outcome.summary = summary.json();
  outcome.run = run_json({.options = plan_->options,
                          .started = started_wall_,
                          .machine = runtime_->describe(),
                          .summary = outcome.summary,
                          .latency = outcome.latency,
                          .series = series_});
  return outcome;
}

}  // namespace

Result<SmtpOutcome> run_once(SmtpOptions options, Signals& signals) {
  auto run = std::make_unique<SmtpRun>(
      RP_TRY(SmtpPlan::make(std::move(options), wall_now(), std::random_device{}())));
  RP_CHECK(run->start());
  const bool interrupted = run->wait(signals);
  SmtpOutcome outcome = run->finish();
  outcome.interrupted = interrupted;
  // Tasks that did not end may still use it; the caller leaves without destructors.
  if (outcome.abandoned != 0) (void)run.release();
  return outcome;
}

}  // namespace ringpost::loadgen
