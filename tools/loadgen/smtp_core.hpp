// The part of the sender that lives on one core: which message is due when, its connections, its figures.
//
// Layer: tool. Owner: one core; the plan outlives it.
// Loops: closed, a connection sends as soon as it may; open, message k of the core is due at a fixed time, sent
//        or not, and its latency counts from then. Due times are whole milliseconds, as the core's timers are.
// Ends:  by itself when all messages are decided; by stop(), when what is under way is; by abort(), now.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "ringpost/base/intrusive_list.hpp"
#include "ringpost/shard/await.hpp"
#include "ringpost/shard/core.hpp"
#include "ringpost/smtp/client_session.hpp"
#include "ringpost/tls/client_context.hpp"

#include "line_file.hpp"
#include "smtp_figures.hpp"
#include "smtp_options.hpp"
#include "stock.hpp"
#include "weighted.hpp"

namespace ringpost::loadgen {

class SmtpFlow;

struct Target {
  Endpoint endpoint;
  std::string host;  // for SNI
};

// What all cores share; immutable while they run.
struct SmtpPlan {
  SmtpOptions options;
  std::vector<Target> targets;
  Stock stock;
  WeightedChoice domain_shares;
  smtp::ClientSettings session;
  std::unique_ptr<LineFile> acknowledged;
  std::uint32_t run = 0;
  unsigned active_cores = 1;  // never more than there are connections

  // Looks names up and reads files.
  static Result<std::unique_ptr<SmtpPlan>> make(SmtpOptions options, WallTime now, std::uint32_t run);
  // When the run ends at the latest.
  Duration bound() const;
  RateProfile profile() const;
  bool open() const { return options.rate > 0 || options.ramp_to.value_or(0) > 0; }
};

// One message to be sent.
struct Job {
  std::uint64_t sequence = 0;
  Instant intended;
  WallTime intended_wall;
  std::uint64_t attempts = 0;  // before this one
};

class SmtpCore {
 public:
  static Result<std::unique_ptr<SmtpCore>> make(shard::Core& core, const SmtpPlan& plan);
  SmtpCore(shard::Core& core, const SmtpPlan& plan, std::unique_ptr<tls::ClientContext> tls);
  ~SmtpCore();
  SmtpCore(const SmtpCore&) = delete;
  SmtpCore& operator=(const SmtpCore&) = delete;
  friend FramePool& frame_pool(SmtpCore& sender) { return sender.core_.frames(); }

  void start();
  void stop();
  void abort();

  // Any thread: connections that are still at work.
  bool finished() const { return open_flows_.value() == 0; }
  const SmtpFigures& figures() const { return figures_; }
  // From start() to the last reply.
  Duration elapsed() const { return last_reply_ - started_; }
  // Open loop: messages that were due, but for which no connection was free before the end.
  std::uint64_t never_begun() const { return never_begun_; }
  // Of these, those that were due longer ago than a search allows.
  std::uint64_t overdue() const { return overdue_; }

 private:
  friend class SmtpFlow;
  Task<void> drive(std::unique_ptr<SmtpFlow> flow);
  Task<void> pace();
  std::optional<Instant> due(std::uint64_t sequence);

  // ---- for the flows ----
  // The next message that is due now.
  std::optional<Job> take();
  // A message may be due later.
  bool expects_work() const;
  // Resumes when it is worth asking again.
  Task<void> work();
  Task<void> pause(Duration time);
  // False: no attempt is left.
  bool try_again(const Job& job);
  void decided();  // a message that was taken has got its answer, or will not get one
  void acknowledge(const Job& job, std::uint32_t checksum, std::uint64_t recipients, std::uint64_t bytes);
  LoadId id_of(const Job& job) const { return {plan_.run, core_.index(), job.sequence}; }
  // Counts the messages of all cores together.
  std::uint64_t number_of(const Job& job) const { return job.sequence * plan_.active_cores + core_.index(); }
  const Sample& sample_of(const Job& job) const { return plan_.stock.pick(number_of(job)); }
  struct Domain {
    std::size_t share = 0;      // of options.recipient_domains
    std::uint64_t index = 0;    // of d0., d1. ...
    std::uint64_t mailbox = 0;  // of the first recipient
    bool operator==(const Domain&) const = default;
  };
  Domain domain_of(const Job& job) const;

  shard::Core& core_;
  const SmtpPlan& plan_;
  std::unique_ptr<tls::ClientContext> tls_;
  SmtpFigures figures_;
  LineWriter acknowledged_;
  shard::Signal work_;
  shard::Signal stopping_signal_;
  IntrusiveList<SmtpFlow> flows_;
  observe::Gauge open_flows_;

  std::uint64_t messages_max_ = 0;
  std::uint64_t sequence_ = 0;  // of the next new message
  std::uint64_t undecided_ = 0;
  std::uint64_t never_begun_ = 0;
  std::uint64_t overdue_ = 0;
  struct Retry {
    Instant due;
    Job job;
  };
  std::deque<Retry> retries_;     // by due time: all wait equally long
  Arrivals arrivals_;             // open loop
  std::deque<Instant> upcoming_;  // of the messages from sequence_ on; as many as were asked for
  bool open_ = false;
  Instant started_;
  Instant last_reply_;
  bool stopping_ = false;
};

}  // namespace ringpost::loadgen
