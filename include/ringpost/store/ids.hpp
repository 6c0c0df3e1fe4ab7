// How users, mailboxes and messages are named in the store.
//
// Layer: durable (base only).
// RFCs:  9051 section 2.3.1 (UIDs), 7162 (mod-sequences), 8474 (object ids).
#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/base/ids.hpp"

namespace ringpost::store {

// A user, by the hash of the name; the store keeps the name too, so that two names of one id are found out.
struct UserId {
  std::uint64_t value = 0;
  constexpr auto operator<=>(const UserId&) const = default;
};
// `name` is canonical: lower case, "anna@example.com". The same for ever: it stands on disk.
UserId user_id_of(std::string_view name);

// A mailbox of one user. Never given twice, and kept when it is renamed.
struct MailboxId {
  std::uint32_t value = 0;  // 0 is "none"
  constexpr explicit operator bool() const { return value != 0; }
  constexpr auto operator<=>(const MailboxId&) const = default;
};
inline constexpr MailboxId kInbox{1};

struct Uid {
  std::uint32_t value = 0;  // 0 is "none"
  constexpr explicit operator bool() const { return value != 0; }
  constexpr auto operator<=>(const Uid&) const = default;
};

struct ModSeq {
  std::uint64_t value = 0;
  constexpr auto operator<=>(const ModSeq&) const = default;
};

// The stored bytes of a message; the copies of one message share them. Also its EMAILID.
using BlobId = MessageId;

// RFC 8474: 1*255 of letters, digits, "-" and "_".
std::string object_id(UserId user, MailboxId mailbox);  // MAILBOXID
std::string email_object_id(BlobId blob);               // EMAILID
std::string thread_object_id(std::uint64_t thread);     // THREADID

// UIDs from first to last, both included.
struct UidRange {
  Uid first, last;
  constexpr bool operator==(const UidRange&) const = default;
};

// A set of UIDs: ranges that rise and do not touch.
class UidSet {
 public:
  UidSet() = default;
  explicit UidSet(UidRange range) : ranges_{range} {}
  static UidSet all() { return UidSet({Uid{1}, Uid{~0U}}); }

  // Behind all that are there, or touching the last.
  void append(Uid uid) { append(UidRange{uid, uid}); }
  void append(UidRange range);
  // Anywhere.
  void add(UidRange range);
  bool contains(Uid uid) const;
  bool empty() const { return ranges_.empty(); }
  std::uint64_t count() const;
  std::span<const UidRange> ranges() const { return ranges_; }
  bool operator==(const UidSet&) const = default;

 private:
  std::vector<UidRange> ranges_;
};

// Who a delivery is for, so that a repeat is not shown twice: a message in the queue and its recipient.
struct Origin {
  MessageId message;
  std::uint32_t recipient = 0;  // 0-based index in the envelope
  constexpr explicit operator bool() const { return static_cast<bool>(message); }
  constexpr auto operator<=>(const Origin&) const = default;
};

}  // namespace ringpost::store
