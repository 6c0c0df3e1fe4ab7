// The spam filter on the way in: what it runs with, and who adds facts before its rules run.
//
// Layer:  paths. Settings are immutable and shared by all cores; a reload swaps them as a whole, and a message that is being
//         judged keeps those that it began with. A FactSource belongs to one core.
// Time:   a step of a scan takes some 200 us at most, then others have their turn; mails over kScanOnCoreMax are judged in the
//         offload pool.
// Limits: intake/limits.hpp, filter/limits.hpp.
#pragma once

#include <memory>
#include <string>

#include "ringpost/base/task.hpp"
#include "ringpost/filter/engine.hpp"
#include "ringpost/filter/facts.hpp"
#include "ringpost/filter/message_view.hpp"
#include "ringpost/filter/options.hpp"
#include "ringpost/filter/scan.hpp"

namespace ringpost::intake {

struct FilterSettings {
  std::shared_ptr<const filter::Engine> engine;  // never null
  filter::FilterOptions options;
  std::string hostname;
  Duration queue_expire_after;  // [retry] expire_after: what a mail has when it leaves the quarantine
};

// What rules may know that no mail carries: answers of DNS lists, what Bayes says. Asked on the core, in the order in which
// they were given, after the message was taken apart and before rules run.
class FactSource {
 public:
  virtual ~FactSource() = default;
  // May suspend, with a deadline of its own. All arguments outlive it. What it cannot find out it leaves absent.
  virtual Task<void> add(const filter::Engine& engine, const filter::MessageView& message,
                         filter::Facts& facts) = 0;
  // The verdict stands: what there is to learn from it. Does not suspend.
  virtual void judged(const filter::Engine&, const filter::MessageView&, const filter::Verdict&) {}
};

}  // namespace ringpost::intake
