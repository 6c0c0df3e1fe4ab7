// The queue of the whole machine as verbs see it: the queues of all cores, asked one after the other.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "ringpost/admin/control.hpp"
#include "ringpost/deliver/queue_view.hpp"

namespace ringpost::admin {

enum class QueueChange : std::uint8_t { flush, hold, release, bounce, cancel };

// Blocking; any thread but a core's. Errors: timed_out when a core did not answer in kCoreTimeout.
class Queue {
 public:
  virtual ~Queue() = default;
  virtual Result<std::vector<deliver::QueueSummary>> summaries() = 0;  // by core
  // By id over all cores; fewer than `limit`: there are no more.
  virtual Result<std::vector<deliver::QueuedMessage>> list(MessageId after, std::size_t limit,
                                                           const deliver::Selector& selector) = 0;
  virtual Result<std::vector<deliver::QueuedMessage>> show(MessageId id) = 0;  // none or one
  // How many recipients were changed; or would be.
  virtual Result<std::size_t> change(QueueChange change, const deliver::Selector& selector) = 0;
  virtual Result<std::size_t> count(const deliver::Selector& selector) = 0;
  virtual void suspend(const std::string& destination) = 0;
  virtual void resume(const std::string& destination) = 0;
  // Of all cores, without repetitions.
  virtual deliver::Directives directives() = 0;
};

std::unique_ptr<Queue> make_core_queue(Control& control);

}  // namespace ringpost::admin
