// The helper: a tiny process that stays root so that the server need not, and delivers as the user whose mail it is.
//
// Layer:   services. Started by `server` before it has threads and before it drops its rights; ends when the server does
//          (end of file on their socket), whatever way that was.
// Takes:   {uid, gid, kind, path or command, a few texts} and the message as a sealed memory file, over a socket pair.
//          Each request is done by a child that first becomes that user: no process acts as root.
// Refuses: uid 0 and gid 0, users below uid_min other than the service user, homes that others own or may write, and
//          commands that neither the user's .forward nor the configured location names: a server that was taken over gets
//          no further into the accounts than mail does.
// Limits:  deliver/local_limits.hpp.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <sys/types.h>

#include "ringpost/base/result.hpp"
#include "ringpost/base/units.hpp"

namespace ringpost::deliver {

struct DeliveryOrder;  // src/deliver/local_order.hpp
struct DeliveryOutcome;

struct HelperSettings {
  std::uint32_t service_uid = 0;  // what the server becomes: may be acted for although it is below uid_min
  std::uint32_t service_gid = 0;
  std::uint32_t uid_min = 1000;  // accounts.system_uid_min
  std::string location;  // mailboxes.location: its command may run as any user; a new one needs a restart
};

class HelperClient {
 public:
  HelperClient(int socket, pid_t process) : socket_(socket), process_(process) {}
  ~HelperClient();  // the helper ends; commands that it runs are ended
  HelperClient(const HelperClient&) = delete;
  HelperClient& operator=(const HelperClient&) = delete;

  // Any thread, any number at once. Hands the order over and returns a descriptor, the caller's to close, that is readable
  // when it is done or the helper has died; closing it early ends a command. `message`: a sealed memory file, or -1.
  // Errors: exhausted (too many at once), closed (the helper is gone).
  Result<int> start(const DeliveryOrder& order, int message) const;
  // What is readable there; never blocks. Without an answer the outcome is deferred.
  static DeliveryOutcome finish(int descriptor);
  pid_t process() const { return process_; }

 private:
  int socket_;
  pid_t process_;
};

// Called while the process has one thread. Without root's rights the helper acts for the current user only.
Result<std::unique_ptr<HelperClient>> start_helper(const HelperSettings& settings);

}  // namespace ringpost::deliver
