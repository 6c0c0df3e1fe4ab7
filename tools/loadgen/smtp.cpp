#include "smtp.hpp"

#include <random>

#include <fmt/format.h>

#include "ringpost/shard/limits.hpp"

#include "cores.hpp"
#include "limits.hpp"
#include "process.hpp"
#include "smtp_core.hpp"
#include "smtp_report.hpp"

namespace ringpost::loadgen {

namespace {

class SmtpRun {
 public:
  explicit SmtpRun(std::unique_ptr<SmtpPlan> plan) : plan_(std::move(plan)) {}

  Result<void> start();
  void wait(Signals& signals);
  int finish();

 private:
  bool finished() const;
  std::string progress();
  SmtpCore& sender(const shard::Core& core) { return *senders_[core.index()]; }

  std::unique_ptr<SmtpPlan> plan_;
  std::unique_ptr<shard::Runtime> runtime_;
  std::vector<std::unique_ptr<SmtpCore>> senders_;
  std::optional<EffortClock> effort_;
  Duration started_{0};
  std::uint64_t seen_ = 0;  // acknowledged, at the last line of progress
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
  on_each_core(*runtime_, [this](shard::Core& core) { sender(core).start(); });
  return {};
}

bool SmtpRun::finished() const {
  return std::ranges::all_of(senders_, [](const auto& one) { return one->finished(); });
}

std::string SmtpRun::progress() {
  std::uint64_t acknowledged = 0;
  std::uint64_t wrong = 0;
  for (const auto& one : senders_) {
    acknowledged += one->figures().acknowledged.value();
    wrong += one->figures().refused.value() + one->figures().unanswered.value();
  }
  const std::uint64_t fresh = acknowledged - std::exchange(seen_, acknowledged);
  return fmt::format("{} acknowledged, {}/s, {} refused or unanswered", grouped(acknowledged), grouped(fresh),
                     grouped(wrong));
}

void SmtpRun::wait(Signals& signals) {
  ProgressLine line(!plan_->options.common.quiet);
  const Duration until = started_ + plan_->bound();
  while (!finished() && steady_now() < until && !signals.wait(std::min(kLook, until - steady_now())))
    if (line.due()) line.show(progress());
}

int SmtpRun::finish() {
  on_each_core(*runtime_, [this](shard::Core& core) { sender(core).stop(); });
  wait_until([this] { return finished(); }, kDrain);
  on_each_core(*runtime_, [this](shard::Core& core) { sender(core).abort(); });
  wait_until([this] { return finished(); }, kDrain);
  const Effort effort = effort_->so_far();
  const std::size_t abandoned = runtime_->stop(kStopBound);
  std::vector<const SmtpCore*> parts;
  for (const auto& one : senders_) parts.push_back(one.get());
  const SmtpSummary summary(*plan_, parts, effort);
  fmt::print("{}", plan_->options.common.json ? summary.json() + "\n" : summary.text());
  const int code = summary.acknowledged() > 0 ? 0 : 1;
  if (abandoned != 0) leave_at_once(code);
  return code;
}

int complain(const Error& error) {
  fmt::print(stderr, "loadgen: {}\n", error.text);
  return 2;
}

}  // namespace

int run_smtp(SmtpOptions options) {
  Signals signals;
  raise_descriptor_limit();
  auto plan = SmtpPlan::make(std::move(options), wall_now(), std::random_device{}());
  if (!plan) return complain(plan.error());
  SmtpRun run(std::move(*plan));
  if (auto started = run.start(); !started) return complain(started.error());
  run.wait(signals);
  return run.finish();
}

}  // namespace ringpost::loadgen
