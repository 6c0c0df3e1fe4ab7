// Carries out orders for one core: in the offload pool as the service user, or by the helper as somebody else.
//
// Layer: services, private. Owner: Local, on its core.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ringpost/base/task.hpp"
#include "ringpost/deliver/helper.hpp"
#include "ringpost/shard/await.hpp"
#include "ringpost/shard/core.hpp"

#include "local_file.hpp"
#include "local_order.hpp"

namespace ringpost::deliver {

// The body of one message for the helper: made at the first use, then shared by all its orders.
class SharedBody {
 public:
  explicit SharedBody(Pieces pieces) : pieces_(pieces) {}
  Pieces pieces() const { return pieces_; }
  // Blocking. A sealed memory file; an error is exhausted.
  Result<int> file();

 private:
  Pieces pieces_;
  Descriptor file_;
};

class LocalRunner {
 public:
  LocalRunner(shard::Core& core, HelperClient* helper);

  bool has_helper() const { return helper_ != nullptr; }
  std::uint32_t uid() const { return uid_; }  // who we are
  std::uint32_t gid() const { return gid_; }
  // `order.uid` says as whom: another than ours needs the helper. `body` lives until this has returned.
  Task<DeliveryOutcome> run(DeliveryOrder order, SharedBody& body);
  // Commands are ended, nobody waits for a lock any more; what is being written into a mailbox is finished. All later
  // orders are deferred.
  void abort();

  friend FramePool& frame_pool(LocalRunner& runner) { return runner.core_.frames(); }

 private:
  Task<DeliveryOutcome> run_here(DeliveryOrder order, SharedBody& body);
  Task<DeliveryOutcome> run_own_command(DeliveryOrder order, SharedBody& body);
  Task<DeliveryOutcome> run_in_helper(DeliveryOrder order, SharedBody& body);

  shard::Core& core_;
  HelperClient* helper_;
  std::uint32_t uid_;
  std::uint32_t gid_;
  std::size_t own_commands_ = 0;
  shard::Signal command_ended_;
  std::vector<shard::Await*> waiting_;   // for commands and locks in the helper
  Descriptor abort_read_, abort_write_;  // hangs up for our own commands
  bool aborted_ = false;
};

}  // namespace ringpost::deliver
