// Writes reports (RFC 3464) and takes them in as new mail from the null sender.
//
// Owner: Service::State. A report is durable when `send` has returned its id.
// Rule:  mail from the null sender is never reported on (RFC 5321 section 4.5.5).
#pragma once

#include <memory>
#include <span>
#include <string>

#include "ringpost/base/result.hpp"
#include "ringpost/base/task.hpp"
#include "ringpost/deliver/service.hpp"
#include "ringpost/intake/intake.hpp"
#include "ringpost/mail/dsn.hpp"
#include "ringpost/mail/envelope_record.hpp"
#include "ringpost/observe/registry.hpp"
#include "ringpost/spool/spool.hpp"

#include "finding.hpp"

namespace ringpost::deliver {

class Reports {
 public:
  Reports(shard::Core& core, spool::Spool& spool, intake::Intake& intake);

  // The line of a report for one finding. Views are into `envelope`, `finding` and `attempt`.
  static mail::DsnRecipient line(const mail::EnvelopeRecord& envelope, const Finding& finding,
                                 const Attempt& attempt, mail::DsnAction action, WallTime now);
  // Tells the sender of `about`, or `owner`, who minds the list where it failed. Nobody is told, and no error, when there is no line or the sender is null.
  // Errors: the intake's refusal as a temporary one; nothing was sent then.
  Task<Result<void>> send(MessageId about, const mail::EnvelopeRecord& envelope,
                          std::span<const mail::DsnRecipient> lines, std::shared_ptr<const Settings> settings,
                          std::string owner = {});

  friend FramePool& frame_pool(Reports& reports) { return reports.core_.frames(); }

 private:
  struct Original {
    std::string header, body;
  };
  Task<Original> original(MessageId about, const mail::EnvelopeRecord& envelope);
  void log_dropped(MessageId about, std::span<const mail::DsnRecipient> lines);

  shard::Core& core_;
  spool::Spool& spool_;
  intake::Intake& intake_;
  struct Figures {
    observe::Counter sent, failed, dropped;
  } figures_;
};

}  // namespace ringpost::deliver
