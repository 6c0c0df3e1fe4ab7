// The access lists of the mailboxes of one user (RFC 4314).
//
// Layer:  durable, private, without I/O. Owner: the Account of the user; it changes by operations of changes only.
// Limits: store/limits.hpp: kAccess...
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "ringpost/store/ids.hpp"
#include "ringpost/store/rights.hpp"

#include "records.hpp"

namespace ringpost::store {

class AccessLists {
 public:
  // Told that an identifier is now in some list (`there`), or in none any more.
  using Listener = std::function<void(std::string_view identifier, bool there)>;

  const AccessList& of(MailboxId mailbox) const;
  std::size_t entries() const { return entries_; }                // of all mailboxes
  std::size_t identifiers() const { return lists_with_.size(); }  // different ones
  bool know(std::string_view identifier) const { return lists_with_.contains(identifier); }
  bool empty() const { return entries_ == 0; }

  void set(MailboxId mailbox, std::string_view identifier, Rights rights);  // none: the entry goes
  void copy(MailboxId from, MailboxId to);                                  // what is there goes
  void drop(MailboxId mailbox);                                             // with its mailbox
  // From now on; first of those that are there.
  void listen(Listener listener);

  // At the end of a snapshot.
  void write(Writer& to) const;
  bool read(Reader& from);

 private:
  void entered(const std::string& identifier);
  void left(const std::string& identifier);

  std::map<std::uint32_t, AccessList> lists_;                   // by mailbox; none is empty
  std::map<std::string, std::size_t, std::less<>> lists_with_;  // by identifier
  std::size_t entries_ = 0;
  Listener listener_;
};

}  // namespace ringpost::store
