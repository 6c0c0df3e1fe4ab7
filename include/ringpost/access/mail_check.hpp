// Whether the mail of a user can be read, and is what the index says of it; page by page, for `ringpost mailbox check`.
//
// Layer:  services. On the owner core of the mailboxes; gives way to others of the core after each message.
// Limits: access/limits.hpp: kCheckedMessages and kCheckedBytes of one page, which ends a moment later.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ringpost/base/result.hpp"
#include "ringpost/base/task.hpp"
#include "ringpost/shard/core.hpp"
#include "ringpost/store/store.hpp"

namespace ringpost::access {

// Where a page begins: at a message of a mailbox, or the next one. Mailboxes go by their ids; none: the first.
struct CheckPosition {
  store::MailboxId mailbox;
  store::Uid uid;
  bool operator==(const CheckPosition&) const = default;
};
struct CheckFinding {
  std::string mailbox;
  store::Uid uid;  // none: of the mailbox as a whole
  std::string text;
  bool mended = false;
};
struct CheckPage {
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  std::uint64_t unprepared = 0;  // messages whose structure nobody has kept: it is made at each FETCH
  std::vector<CheckFinding> findings;
  CheckPosition next;  // mailbox none: that was all
};

// `mend`: what was prepared of a message is written where it was not, and anew where it is not what the bytes say. Nothing else is
// ever changed.
Task<Result<CheckPage>> check_mail(shard::Core& core, store::Store& store, std::string user,
                                   CheckPosition from, bool mend);

}  // namespace ringpost::access
