#include "load_run.hpp"

#include <algorithm>

#include "ringpost/shard/limits.hpp"

#include "clean_text.hpp"
#include "cores.hpp"
#include "limits.hpp"
#include "live_view.hpp"
#include "load_core.hpp"
#include "load_report.hpp"
#include "output.hpp"
#include "run_file.hpp"
#include "server_memory.hpp"

namespace ringpost::loadgen {

namespace {

class LoadRun {
 public:
  explicit LoadRun(std::unique_ptr<LoadPlan> plan) : plan_(std::move(plan)) {}

  Result<void> start();
  bool wait(Signals& signals);
  LoadOutcome finish(bool interrupted);

 private:
  bool finished() const;
  Look look();
  LoadCore& part(const shard::Core& core) { return *parts_[core.index()]; }

  std::unique_ptr<LoadPlan> plan_;
  std::unique_ptr<shard::Runtime> runtime_;
  std::vector<std::unique_ptr<LoadCore>> parts_;
  std::optional<EffortClock> effort_;
  Series series_;
  std::string sampling_trouble_;
  ServerMemory memory_;
  Duration started_{0};
  WallTime started_wall_;
};

Result<void> LoadRun::start() {
  parts_.resize(shard::kCoresMax);
  runtime_ =
      RP_TRY(shard::Runtime::start(plan_->load().common.cores, [this](shard::Core& core) -> Result<void> {
        parts_[core.index()] = RP_TRY(plan_->make_core(core));
        return {};
      }));
  parts_.resize(runtime_->count());
  plan_->active_cores =
      static_cast<unsigned>(std::min<std::uint64_t>(runtime_->count(), plan_->load().connections));
  if (!plan_->load().common.quiet) say("{}\n", runtime_->describe());
  effort_.emplace(*runtime_);
  started_ = steady_now();
  started_wall_ = wall_now();
  Look first = look();
  memory_.before = first.server_memory;
  series_.add(std::move(first));
  on_each_core(*runtime_, [this](shard::Core& core) { part(core).start(); });
  return {};
}

bool LoadRun::finished() const {
  return std::ranges::all_of(parts_, [](const auto& one) { return one->finished(); });
}

Look LoadRun::look() {
  Look look;
  look.cores.resize(parts_.size());
  on_each_core(*runtime_, [&](shard::Core& core) {
    look.cores[core.index()].cpu = std::chrono::duration<double>(thread_cpu_time()).count();
  });
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    const LoadFigures& figures = parts_[i]->load_figures();
    look.cores[i].acknowledged = figures.acknowledged.value();
    look.cores[i].bytes = figures.bytes.value();
    look.cores[i].wrong = figures.refused.value() + figures.unanswered.value();
    look.latency.add(figures.latency_ns);
  }
  look.at = steady_now() - started_;
  if (plan_->load().server_pid != 0) look.server_memory = private_memory(plan_->load().server_pid);
  if (plan_->load().admin_socket.empty()) return look;
  if (auto figures = ask_figures(plan_->load().admin_socket))
    look.server = std::move(*figures);
  else
    sampling_trouble_ = figures.error().text;
  return look;
}

// True when a signal ended it.
bool LoadRun::wait(Signals& signals) {
  LiveView view(!plan_->load().common.quiet);
  const Duration until = started_ + plan_->bound();
  Duration next = started_ + std::chrono::seconds{1};
  while (!finished() && steady_now() < until && plan_->lost_lines().empty()) {
    if (signals.wait(std::max(Duration{0}, std::min(kLook, until - steady_now())))) return true;
    if (steady_now() < next) continue;
    next += std::chrono::seconds{1};
    series_.add(look());
    std::uint64_t acknowledged = 0;
    for (const auto& one : parts_) acknowledged += one->load_figures().acknowledged.value();
    view.show(live_lines(series_.seconds(), acknowledged));
  }
  return false;
}

LoadOutcome LoadRun::finish(bool interrupted) {
  if (memory_.before) memory_.loaded = private_memory(plan_->load().server_pid);
  on_each_core(*runtime_, [this](shard::Core& core) { part(core).stop(); });
  wait_until([this] { return finished(); }, kDrain);
  on_each_core(*runtime_, [this](shard::Core& core) { part(core).abort(); });
  wait_until([this] { return finished(); }, kDrain);
  series_.add(look());
  const Effort effort = effort_->so_far();
  LoadOutcome outcome;
  outcome.abandoned = runtime_->stop(kStopBound);
  std::vector<const LoadCore*> parts;
  for (const auto& one : parts_) parts.push_back(one.get());
  const std::unique_ptr<LoadSummary> made = plan_->summary(parts, effort);
  LoadSummary& summary = *made;
  summary.set_memory(memory_);
  if (interrupted) summary.set_interrupted();
  if (!sampling_trouble_.empty()) summary.add_gap("the server's figures: " + clean_text(sampling_trouble_));
  if (const std::string lost = plan_->lost_lines(); !lost.empty()) {
    summary.add_gap(lost);
    outcome.incomplete = true;
  }
  outcome.interrupted = interrupted;
  outcome.silence = summary.silence();
  outcome.acknowledged = summary.acknowledged();
  outcome.wrong = summary.wrong();
  outcome.overdue = summary.overdue();
  outcome.rate = summary.rate();
  outcome.latency = summary.latency();
  outcome.saturated = effort.saturated();
  outcome.text = summary.text();
  outcome.summary = summary.json();
  outcome.run = run_json({.plan = *plan_,
                          .started = started_wall_,
                          .machine = runtime_->describe(),
                          .summary = outcome.summary,
                          .latency = outcome.latency,
                          .series = series_});
  return outcome;
}

}  // namespace

Result<LoadOutcome> run_once(std::unique_ptr<LoadPlan> plan, Signals& signals) {
  auto run = std::make_unique<LoadRun>(std::move(plan));
  RP_CHECK(run->start());
  const bool interrupted = run->wait(signals);
  LoadOutcome outcome = run->finish(interrupted);
  // Tasks that did not end may still use it; the caller leaves without destructors.
  if (outcome.abandoned != 0) (void)run.release();
  return outcome;
}

}  // namespace ringpost::loadgen
