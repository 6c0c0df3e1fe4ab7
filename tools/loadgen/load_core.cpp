#include "load_core.hpp"

#include <algorithm>
#include <limits>

#include "limits.hpp"
#include "load_flow.hpp"

namespace ringpost::loadgen {

namespace {

// The part of core `index` when `whole` is shared among the first `count` cores.
std::uint64_t part_of(std::uint64_t whole, unsigned count, unsigned index) {
  return index >= count ? 0 : whole / count + (index < whole % count ? 1 : 0);
}

}  // namespace

LoadCore::LoadCore(shard::Core& core, const LoadPlan& plan, LoadFigures& figures,
                   std::unique_ptr<tls::ClientContext> tls)
    : core_(core),
      load_plan_(plan),
      load_figures_(figures),
      tls_(std::move(tls)),
      work_(core),
      stopping_signal_(core) {}

LoadCore::~LoadCore() = default;

void LoadCore::start() {
  const LoadOptions& options = load_plan_.load();
  const unsigned index = core_.index();
  const unsigned active = load_plan_.active_cores;
  jobs_max_ =
      options.count == 0 ? std::numeric_limits<std::uint64_t>::max() : part_of(options.count, active, index);
  started_ = last_reply_ = stopped_ = core_.now();
  open_ = load_plan_.open();
  if (open_) {
    arrivals_ = Arrivals(load_plan_.profile(), options.spacing, options.common.seed, index, active);
    (void)due(0);
  }
  const std::uint64_t connections = part_of(options.connections, active, index);
  open_flows_.set(static_cast<std::int64_t>(connections));
  for (std::uint64_t i = 0; i < connections; ++i) {
    const Target& target = load_plan_.targets[(index + i * active) % load_plan_.targets.size()];
    auto flow = make_flow(target, index + i * active);
    flows_.push_back(*flow);
    core_.spawn(drive(std::move(flow)));
  }
  if (open_ && connections > 0) core_.spawn(pace());
}

Task<void> LoadCore::drive(std::unique_ptr<LoadFlow> flow) {
  co_await flow->run();
  flow.reset();
  open_flows_.add(-1);
  if (flows_.empty()) stopping_signal_.notify_all();
}

void LoadCore::stop() {
  if (std::exchange(stopping_, true)) return;
  const auto was_due = [this](std::uint64_t sequence, Duration ago) {
    if (!open_ || sequence >= jobs_max_) return false;
    const std::optional<Instant> time = due(sequence);
    return time && *time + ago <= core_.now();
  };
  while (was_due(sequence_ + overdue_, load_plan_.load().search_p99)) ++overdue_;
  while (was_due(sequence_ + never_begun_, Duration{0})) ++never_begun_;
  if (!finished()) {
    stopped_ = core_.now();
    // A flow that holds an IDLE waits for nothing.
    const bool asked = undecided_ + never_begun_ > 0 || failures() > failures_then_;
    if (asked) silence_ = stopped_ - last_reply_;
  }
  work_.notify_all();
  stopping_signal_.notify_all();
  flows_.for_each([](LoadFlow& flow) { flow.stop(); });
}

void LoadCore::abort() {
  flows_.for_each([](LoadFlow& flow) { flow.abort(); });
}

// Of a message that was not taken yet. Nothing: the run is over before, and so its number is the last.
std::optional<Instant> LoadCore::due(std::uint64_t sequence) {
  while (sequence - sequence_ >= upcoming_.size()) {
    const std::optional<Duration> next = arrivals_.next();
    if (!next) {
      jobs_max_ = std::min(jobs_max_, sequence_ + upcoming_.size());
      return std::nullopt;
    }
    const Instant exact = started_ + *next;
    upcoming_.push_back({std::chrono::ceil<std::chrono::milliseconds>(exact.since_start)});
  }
  return upcoming_[sequence - sequence_];
}

// Wakes one idle flow for each message that falls due. Flows that are busy come for theirs by themselves.
Task<void> LoadCore::pace() {
  while (!stopping_ && !flows_.empty() && sequence_ < jobs_max_) {
    std::uint64_t next_sequence = sequence_;
    std::optional<Instant> next = due(next_sequence);
    for (; next && *next <= core_.now() && work_.has_waiters(); next = due(++next_sequence))
      work_.notify_one();
    const Instant soon = core_.now() + std::chrono::milliseconds{1};
    (void)co_await stopping_signal_.wait(next ? std::max(*next, soon) : soon);
  }
}

std::optional<Job> LoadCore::take() {
  if (stopping_) return std::nullopt;
  if (!retries_.empty() && retries_.front().due <= core_.now()) {
    const Job job = retries_.front().job;
    retries_.pop_front();
    ++undecided_;
    load_figures_.attempts.add();
    return job;
  }
  if (sequence_ >= jobs_max_) return std::nullopt;
  const std::optional<Instant> intended = open_ ? due(sequence_) : core_.now();
  if (!intended || *intended > core_.now()) return std::nullopt;
  ++undecided_;
  load_figures_.begun.add();
  const Job job{.sequence = sequence_++,
                .intended = *intended,
                .intended_wall = core_.wall_now() + -(core_.now() - *intended)};
  if (open_) {
    upcoming_.pop_front();
    (void)due(sequence_);  // so that the last one is known to be the last
  }
  return job;
}

bool LoadCore::expects_work() const {
  if (stopping_) return false;
  const bool may_come_back = load_plan_.load().retries > 0 || load_plan_.load().resend;
  return sequence_ < jobs_max_ || !retries_.empty() || (may_come_back && undecided_ > 0);
}

Task<void> LoadCore::work() {
  if (!expects_work()) co_return;
  (void)co_await work_.wait(retries_.empty() ? Instant::never() : retries_.front().due);
}

Task<void> LoadCore::pause(Duration time) {
  if (stopping_) co_return;
  (void)co_await stopping_signal_.wait(core_.now() + time);
}

bool LoadCore::try_again(const Job& job) {
  if (stopping_ || retries_.size() >= kRetriesMax) return false;
  retries_.push_back({core_.now() + load_plan_.load().retry_after, job});
  ++retries_.back().job.attempts;
  work_.notify_one();  // it waits for the due time instead
  return true;
}

void LoadCore::decided() {
  --undecided_;
  last_reply_ = core_.now();
  failures_then_ = failures();
  if (!expects_work()) work_.notify_all();
}

void LoadCore::count_acknowledged(const Job& job, std::uint64_t bytes) {
  load_figures_.acknowledged.add();
  load_figures_.bytes.add(bytes);
  load_figures_.latency_ns.record(static_cast<std::uint64_t>((core_.now() - job.intended).count()));
}

}  // namespace ringpost::loadgen
