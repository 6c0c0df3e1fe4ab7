// The mail of one user: mailboxes, messages, subscriptions, quota. What IMAP and POP3 work on.
//
// Layer:  durable (runtime, mail, journal). Owner: its owner core, where every call is made.
// Promise: a change resumes when the frame that holds it is on stable storage, and then it is visible, to listeners
//         first. On an error nothing of it is, not even in part.
// Errors: permanent with a reason (no such mailbox, name taken: see Refused), exhausted (quota, disk), temporary (I/O).
// Order:  of one user one change at a time is under way, but appends, of which many are.
// Limits: store/limits.hpp.
// RFCs:   4314 (ACL), 9051, 4315 (UIDPLUS), 6851 (MOVE), 7162, 3502 (MULTIAPPEND), 9208 (QUOTA), 6154, 8474, 8514.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/base/result.hpp"
#include "ringpost/base/task.hpp"
#include "ringpost/buffer/pool.hpp"
#include "ringpost/journal/log.hpp"
#include "ringpost/store/ids.hpp"
#include "ringpost/store/mailbox.hpp"
#include "ringpost/store/message.hpp"
#include "ringpost/store/rights.hpp"
#include "ringpost/store/view.hpp"
#include "ringpost/store/watcher.hpp"

namespace ringpost::store {

// Why a change was refused for good; IMAP makes a response code of it.
enum class Refused : std::uint8_t {
  none,          // an error of another kind: see Error
  no_mailbox,    // NONEXISTENT, or TRYCREATE
  exists,        // ALREADYEXISTS
  bad_name,      // CANNOT
  has_children,  // HASCHILDREN
  inbox,         // CANNOT: the inbox is not deleted
  over_quota,    // OVERQUOTA
  limit,         // LIMIT: too many mailboxes, keywords, messages
  too_large,     // TOOBIG
  gone,          // NONEXISTENT: the message is not there any more
  uids_given,    // CANNOT: the mailbox has given UIDs that the asked ones would repeat
  not_allowed,   // NOPERM: who asks may not; said by a May, never by the store itself
};
struct [[nodiscard]] Failure {
  Refused why = Refused::none;
  Error error;
};
template <class T = void>
using Outcome = std::expected<T, Failure>;

// Whether who asks for a change may have it, asked when the change is made: what came before it in its turn counts. An error is
// the answer, and nothing is changed. Asked once more when there was no room. Empty: he may.
using May = std::function<Outcome<>()>;

// The bytes of a message or a part of them. Pins memory or owns a copy; short-lived, for it holds a commit buffer.
class Content {
 public:
  std::span<const std::span<const std::byte>> pieces() const { return pieces_; }
  std::uint64_t size() const { return size_; }

 private:
  friend class Reading;
  std::vector<std::span<const std::byte>> pieces_;
  std::vector<journal::Pin> pins_;
  std::vector<buffer::Block> blocks_;
  std::shared_ptr<const void> ahead_;  // what was read with another message
  std::uint64_t size_ = 0;
};

// A message that comes in pieces, each of which goes to the log at once. Dropped before it is appended, it is forgotten. Owner: one
// flow, one call at a time.
class Incoming {
 public:
  virtual ~Incoming() = default;
  virtual std::uint64_t size() const = 0;
  // The next kChunkSize bytes, or all that are left.
  virtual Task<Result<void>> write(std::span<const std::byte> chunk) = 0;
  // Behind the last: what NewMessage::facts would be.
  virtual Task<Result<void>> end(std::span<const std::byte> facts) = 0;
};

// Room in somebody's quota for what is on its way to him; free again when it dies, on his core.
class Reserved {
 public:
  virtual ~Reserved() = default;
  // So much instead. Less is always to be had; when there is no room for more it stays as it was.
  virtual Outcome<> resize(std::uint64_t messages, std::uint64_t bytes) = 0;
};
enum class Sender : std::uint8_t { owner, others };

// One message to store. Views and bytes live until the call resumes.
struct NewMessage {
  std::span<const std::span<const std::byte>> pieces;  // CRLF line ends, as it is handed out again
  std::span<const std::byte> facts;                    // prepared MIME structure; opaque here, empty: none
  const Incoming* incoming = nullptr;                  // ended; instead of pieces and facts
  Flags flags = Flags::none;
  std::vector<std::string> keywords;
  std::int64_t internal_date = 0;  // seconds since 1970-01-01 UTC; 0: now
  std::int16_t zone_minutes = 0;
  std::uint64_t thread = 0;
  Uid uid;  // none: the next. One that it has on another server: above all that were given here
};
struct Appended {
  std::uint32_t uid_validity = 0;
  std::vector<Uid> uids;  // one for each message
};

// What is to become of the flags of some messages.
struct FlagChange {
  enum class How : std::uint8_t { add, remove, replace };
  How how = How::add;
  Flags flags = Flags::none;
  std::vector<std::string> keywords;
  std::optional<ModSeq> unchanged_since;
  const View* by = nullptr;  // not told of it: the session answers itself, or was asked to be silent
};
struct FlagsChanged {
  UidSet changed;   // those whose flags are other than before
  UidSet modified;  // refused: changed since `unchanged_since`
  ModSeq modseq;    // of `changed`
};

struct Copied {
  std::uint32_t uid_validity = 0;  // of the target
  UidSet from;                     // in the order of their UIDs ...
  UidSet to;                       // ... they became these
};

// What comes along with copies; the rest stays behind.
struct FlagsKept {
  Flags flags = ~Flags::none;
  bool keywords = true;
};

struct Quota {
  std::uint64_t bytes_max = 0;     // 0: none
  std::uint64_t messages_max = 0;  // 0: none
};

// What clients have noted (RFC 5464): "/private/comment" and its value, of any bytes.
using AnnotationMap = std::map<std::string, std::string, std::less<>>;
struct Annotation {
  std::string name;
  std::optional<std::string> value;  // nothing: it goes
};

class UserMail {
 public:
  virtual ~UserMail() = default;

  virtual UserId id() const = 0;
  virtual const std::string& name() const = 0;
  virtual unsigned core() const = 0;

  // ---- looking
  // In the order of ids; pointers are valid until a mailbox is made or deleted.
  virtual std::vector<const Mailbox*> mailboxes() const = 0;
  // "inbox" in any case is the inbox. Null: none.
  virtual const Mailbox* find(std::string_view name) const = 0;
  virtual const Mailbox* find(MailboxId id) const = 0;
  virtual std::vector<std::string> subscriptions() const = 0;  // sorted
  virtual bool subscribed(std::string_view name) const = 0;
  virtual std::uint64_t bytes_used() const = 0;
  virtual std::uint64_t messages_used() const = 0;
  virtual Quota quota() const = 0;  // of the user, or what all have; changed where accounts are

  // ---- messages
  // For append(). Not larger than kMessageSizeMax.
  virtual std::unique_ptr<Incoming> receive(std::uint64_t size) = 0;
  // For messages that will be appended; let it go right before, with no wait between the two.
  //   the owner's must fit beside   the mail that is there, and what the owner has reserved
  //   others' must fit beside       the same, and what others have reserved
  // Mail that comes whole only has to fit beside the mail that is there.
  virtual Outcome<std::unique_ptr<Reserved>> reserve(std::uint64_t messages, std::uint64_t bytes,
                                                     Sender sender) = 0;
  // All or none (MULTIAPPEND).
  virtual Task<Outcome<Appended>> append(MailboxId to, std::span<const NewMessage> messages,
                                         May may = {}) = 0;
  // The message comes and `old` goes, in one change (RFC 8508); only what it is larger by counts against the quota. Refused::gone:
  // it is not there.
  virtual Task<Outcome<Appended>> replace(MailboxId from, Uid old, MailboxId to, const NewMessage& message,
                                          May may = {}) = 0;
  virtual Task<Outcome<FlagsChanged>> change_flags(MailboxId in, UidSet which, FlagChange change,
                                                   May may = {}) = 0;
  // Of `which` those that have \Deleted (or all, for a MOVE's end or POP3). Gives what went.
  virtual Task<Outcome<UidSet>> expunge(MailboxId in, UidSet which, bool only_deleted = true,
                                        May may = {}) = 0;
  virtual Task<Outcome<Copied>> copy(MailboxId from, UidSet which, MailboxId to, FlagsKept kept = {},
                                     May may = {}) = 0;
  virtual Task<Outcome<Copied>> move(MailboxId from, UidSet which, MailboxId to, FlagsKept kept = {},
                                     May may = {}) = 0;

  // ---- reading; the message may be expunged meanwhile: then permanent
  // At most `size` bytes from `offset`.
  virtual Task<Result<Content>> read(BlobId blob, std::uint64_t offset, std::uint64_t size) = 0;
  Task<Result<Content>> read(const Message& message) { return read(message.blob, 0, message.size); }
  // What NewMessage::facts was; empty when there are none.
  virtual Task<Result<std::vector<std::byte>>> facts(BlobId blob) = 0;

  // ---- mailboxes; names as Mailbox::name
  // Parents are made with it.
  virtual Task<Outcome<MailboxId>> create(std::string_view name, SpecialUse use = SpecialUse::none,
                                          May may = {}) = 0;
  // With everything below it. Of the inbox: its messages move to a new mailbox (RFC 9051 section 6.3.6).
  virtual Task<Outcome<>> rename(MailboxId mailbox, std::string_view to, May may = {}) = 0;
  virtual Task<Outcome<>> remove(MailboxId mailbox, May may = {}) = 0;
  virtual Task<Outcome<>> set_special_use(MailboxId mailbox, SpecialUse use) = 0;
  // UIDVALIDITY and the next UID of another server. The first is taken by a mailbox that has given no UID and that nobody has
  // selected, the second by one with the same UIDVALIDITY (and only when it is higher): else Refused::uids_given.
  virtual Task<Outcome<>> number(MailboxId mailbox, std::uint32_t uid_validity, Uid uid_next) = 0;
  virtual Task<Outcome<>> subscribe(std::string_view name, bool on) = 0;

  // ---- annotations; of MailboxId{} those that belong to no mailbox. They go with their mailbox
  virtual const AnnotationMap& annotations(MailboxId of) const = 0;
  // All or none. Refused: too_large a value, limit of entries on one mailbox, over_quota of all.
  virtual Task<Outcome<>> annotate(MailboxId on, std::span<const Annotation> entries, May may = {}) = 0;

  // ---- access lists: kept for who asks, and never asked here. They follow their mailbox when it is renamed and go with it; one that
  // is made below another one begins with the same list, and what RENAME makes of the inbox with that of the inbox
  virtual const AccessList& access_list(MailboxId of) const = 0;
  // An identifier without rights leaves the list. Refused: bad_name no identifier, or the owner himself; limit of entries.
  virtual Task<Outcome<>> set_access(MailboxId on, std::string identifier, Rights rights,
                                     RightsChange how = RightsChange::replace, May may = {}) = 0;

  // ---- what happens: see Watch
  virtual void add_watcher(Watcher& watcher) = 0;
  virtual void remove_watcher(Watcher& watcher) = 0;

  // ---- mending: what is derived from the messages, made anew
  // What NewMessage::facts is to be from now on, of a message that is there. Durable when it resumes.
  virtual Task<Result<void>> prepare(BlobId blob, std::span<const std::byte> facts) = 0;
  // The index of the user read back from its own form, and that form written to the log. Errors: what is in memory does not agree
  // with itself (permanent), or cannot be written.
  virtual Task<Result<void>> rebuild() = 0;

  virtual FramePool& frames() = 0;
  friend FramePool& frame_pool(UserMail& user) { return user.frames(); }
};

}  // namespace ringpost::store
