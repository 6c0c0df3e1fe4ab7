// What happens to the mailboxes of a user, told as it becomes durable.
//
// Layer:  durable, without I/O. Owner: a session on the owner core of the user; it dies before its UserMail does.
// Order:  that of the changes. Of one change: what it did, one after the other.
// RFCs:   5465 section 5.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "ringpost/store/ids.hpp"

namespace ringpost::store {

class UserMail;

// Valid during the call only.
struct Happened {
  enum class What : std::uint8_t {
    messages_added,
    messages_gone,
    flags_changed,  // or keywords, or UIDVALIDITY
    mailbox_made,
    mailbox_gone,     // its name is free already
    mailbox_renamed,  // with all below it, which are not told of
    subscribed,       // or not any more
    annotated,        // `mailbox` none: what belongs to no mailbox
  };
  What what = What::messages_added;
  MailboxId mailbox;          // not of a subscription
  std::string_view name;      // of the mailbox, as it is now or was at last
  std::string_view old_name;  // mailbox_renamed
  std::string_view entry;     // annotated
  std::size_t messages = 0;   // messages_...
};

class Watcher {
 public:
  virtual ~Watcher() = default;
  // On the owner core. Do no more than note it.
  virtual void happened(const Happened& event) = 0;
};

// Watches from its making to its end.
class Watch {
 public:
  Watch(UserMail& user, Watcher& watcher);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

 private:
  UserMail& user_;
  Watcher& watcher_;
};

}  // namespace ringpost::store
