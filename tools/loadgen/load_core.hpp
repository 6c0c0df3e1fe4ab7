// The part of a load that lives on one core: what is due when, its connections, its figures.
//
// Layer: tool. Owner: one core; the plan outlives it.
// Loops: closed, a connection begins as soon as it may; open, job k of the core is due at a fixed time, begun
//        or not, and its latency counts from then. Due times are whole milliseconds, as the core's timers are.
// Ends:  by itself when all jobs are decided; by stop(), when what is under way is; by abort(), now.
#pragma once

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>

#include "ringpost/base/intrusive_list.hpp"
#include "ringpost/shard/await.hpp"
#include "ringpost/shard/core.hpp"

#include "load_figures.hpp"
#include "load_plan.hpp"

namespace ringpost::loadgen {

class LoadFlow;

// One message to be sent, one operation to be done.
struct Job {
  std::uint64_t sequence = 0;
  Instant intended;
  WallTime intended_wall;
  std::uint64_t attempts = 0;  // before this one
};

class LoadCore {
 public:
  // `figures` may be a part of the derived class that is not made yet.
  LoadCore(shard::Core& core, const LoadPlan& plan, LoadFigures& figures,
           std::unique_ptr<tls::ClientContext> tls);
  virtual ~LoadCore();
  LoadCore(const LoadCore&) = delete;
  LoadCore& operator=(const LoadCore&) = delete;
  friend FramePool& frame_pool(LoadCore& load) { return load.core_.frames(); }

  void start();
  void stop();
  void abort();

  // Any thread: connections that are still at work.
  bool finished() const { return open_flows_.value() == 0; }
  const LoadFigures& load_figures() const { return load_figures_; }
  // From start() to the last reply; of a run that was stopped before all was decided, to its stop or the last reply.
  Duration elapsed() const { return std::max(last_reply_, stopped_) - started_; }
  // How long nothing had been answered, though something waited for it, when the run was stopped.
  Duration silence() const { return silence_; }
  // Open loop: jobs that were due, but for which no connection was free before the end.
  std::uint64_t never_begun() const { return never_begun_; }
  // Of these, those that were due longer ago than a search allows.
  std::uint64_t overdue() const { return overdue_; }

  // ---- for the flows ----
  shard::Core& core() { return core_; }
  const LoadPlan& load_plan() const { return load_plan_; }
  LoadFigures& counters() { return load_figures_; }
  tls::ClientContext& tls() { return *tls_; }
  // The next job that is due now.
  std::optional<Job> take();
  // A job may be due later.
  bool expects_work() const;
  bool stopping() const { return stopping_; }
  // Resumes when it is worth asking again.
  Task<void> work();
  Task<void> pause(Duration time);
  // False: no attempt is left.
  bool try_again(const Job& job);
  void decided();  // a job that was taken has got its answer, or will not get one
  void count_acknowledged(const Job& job, std::uint64_t bytes);
  // Counts the jobs of all cores together.
  std::uint64_t number_of(const Job& job) const {
    return job.sequence * load_plan_.active_cores + core_.index();
  }

 protected:
  // `number` counts the connections of all cores.
  virtual std::unique_ptr<LoadFlow> make_flow(const Target& target, std::uint64_t number) = 0;

  shard::Core& core_;

 private:
  Task<void> drive(std::unique_ptr<LoadFlow> flow);
  Task<void> pace();
  std::optional<Instant> due(std::uint64_t sequence);

  const LoadPlan& load_plan_;
  LoadFigures& load_figures_;
  std::unique_ptr<tls::ClientContext> tls_;
  shard::Signal work_;
  shard::Signal stopping_signal_;
  IntrusiveList<LoadFlow> flows_;
  observe::Gauge open_flows_;

  std::uint64_t jobs_max_ = 0;
  std::uint64_t sequence_ = 0;  // of the next new job
  std::uint64_t undecided_ = 0;
  std::uint64_t never_begun_ = 0;
  std::uint64_t overdue_ = 0;
  struct Retry {
    Instant due;
    Job job;
  };
  std::deque<Retry> retries_;     // by due time: all wait equally long
  Arrivals arrivals_;             // open loop
  std::deque<Instant> upcoming_;  // of the jobs from sequence_ on; as many as were asked for
  bool open_ = false;
  Instant started_;
  Instant last_reply_;
  Instant stopped_;  // with work left
  std::uint64_t failures() const {
    return load_figures_.connect_failures.value() + load_figures_.greet_failures.value();
  }
  std::uint64_t failures_then_ = 0;  // at the last reply
  Duration silence_{0};
  bool stopping_ = false;
};

}  // namespace ringpost::loadgen
