// What clients have noted about mailboxes, and about the user as a whole: names with values (RFC 5464).
//
// Layer:  durable, private, without I/O. Owner: the Account of the user; it changes by operations of changes only.
// Limits: store/limits.hpp: kAnnotations...
#pragma once

#include <cstdint>
#include <map>
#include <string_view>

#include "ringpost/store/ids.hpp"
#include "ringpost/store/user_mail.hpp"

#include "records.hpp"

namespace ringpost::store {

class Annotations {
 public:
  // Of one mailbox; MailboxId{}: of the user.
  const AnnotationMap& of(MailboxId mailbox) const;
  // Of names and values together, of all mailboxes.
  std::uint64_t bytes() const { return bytes_; }
  bool empty() const { return entries_.empty(); }

  void set(MailboxId mailbox, std::string_view name, std::string_view value);
  void remove(MailboxId mailbox, std::string_view name);
  void drop(MailboxId mailbox);  // with its mailbox
  void clear();

  // At the end of a snapshot.
  void write(Writer& to) const;
  bool read(Reader& from);

 private:
  std::map<std::uint32_t, AnnotationMap> entries_;  // by mailbox; none is empty
  std::uint64_t bytes_ = 0;
};

}  // namespace ringpost::store
