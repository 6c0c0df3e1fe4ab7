// Turns what an attempt has found into what holds: reports first, then records, then log lines; and puts back into the
// queue what is not over.
//
// Owner: Service::State.
#pragma once

#include <memory>
#include <vector>

#include "ringpost/base/task.hpp"
#include "ringpost/deliver/service.hpp"
#include "ringpost/intake/passages.hpp"
#include "ringpost/observe/registry.hpp"
#include "ringpost/spool/spool.hpp"

#include "finding.hpp"
#include "queue.hpp"
#include "reports.hpp"

namespace ringpost::deliver {

class Results {
 public:
  Results(shard::Core& core, spool::Spool& spool, Queue& queue, Reports& reports, intake::Passages& passages);

  // The jobs of one message that end together, so that its sender gets one report.
  struct Part {
    Job* job;
    std::vector<Finding> findings;  // one for each of its recipients
  };
  // The jobs are in the caller's hands and out of them afterwards: each waits again, or is gone. `loaded` is of their
  // message.
  Task<void> settle(std::vector<Part> parts, const spool::Spool::Loaded& loaded, Attempt attempt,
                    std::shared_ptr<const Settings> settings);
  // The same for a job whose message cannot be read: nothing is known but that it must wait, or has waited too long.
  void announce_unreadable(MessageId id, const Error& error);
  // A recipient at level through ends, and its client hears how. It has no job any more.
  void answer(MessageId id, const Finding& finding);
  void announce_passing(MessageId id, const mail::EnvelopeRecord& envelope, const Attempt& attempt,
                        const Finding& finding);
  // All its recipients expire; nobody knows who they are.
  void give_up(MessageId id);
  void settle_unreadable(Job& job, const Error& error);
  // Of a job that was not tried, for its destination failed: a line in the log until `next`. Without the addresses, which
  // would have to be read.
  void announce_put_off(const Job& job, const Setback& setback, WallTime next);

  friend FramePool& frame_pool(Results& results) { return results.core_.frames(); }

 private:
  Task<void> report_failures(MessageId id, std::vector<Part>& parts, const mail::EnvelopeRecord& envelope,
                             const Attempt& attempt, std::shared_ptr<const Settings> settings);
  Task<void> report_successes(MessageId id, const std::vector<Part>& parts,
                              const mail::EnvelopeRecord& envelope, const Attempt& attempt,
                              std::shared_ptr<const Settings> settings);
  void finish_part(Part& part, const spool::Spool::Loaded& loaded, const Attempt& attempt,
                   const Settings& settings);
  void answer_part(Part& part, const spool::Spool::Loaded& loaded, const Attempt& attempt);
  void answer_unreadable(Job& job, const Error& error);
  void record(const Part& part, const spool::Spool::Loaded& loaded, WallTime next);
  void announce(const Job& job, const mail::EnvelopeRecord& envelope, const Attempt& attempt,
                const Finding& finding, WallTime next);
  void count(Found found, Duration age);
  void put_back(Job& job, const std::vector<Finding>& findings, Duration wait);

  shard::Core& core_;
  spool::Spool& spool_;
  Queue& queue_;
  Reports& reports_;
  intake::Passages& passages_;
  std::vector<spool::Outcome> outcomes_;  // scratch
  struct Figures {
    observe::Counter delivered, deferred, put_off, bounced, expired, cancelled, unreadable, passed_on,
        turned_back;
    observe::Histogram delay;
  } figures_;
};

}  // namespace ringpost::deliver
