// The commands that a driver carries out, complete and checked for syntax and state.
//
// Layer:   pure. Mailbox names are UTF-8, INBOX in upper case. CAPABILITY, LOGIN, AUTHENTICATE, STARTTLS, COMPRESS, ENABLE, ID and
//          LOGOUT never get here: the session answers them, or has events of their own; so has APPEND.
// Limits:  imap/limits.hpp; a command that exceeds one is BAD and never seen.
// RFCs:    9051 section 6, 3501 (LSUB, CHECK), 4314 (ACL), 2087 and 9208 (QUOTA), 3348, 4731 (ESEARCH), 5182, 5256 (SORT, THREAD), 5464 (METADATA), 5465 (NOTIFY), 5258
//          (LIST-EXTENDED), 5267 (ESORT), 5819 (LIST-STATUS), 5957 (SORT=DISPLAY), 6154, 6851 (MOVE), 7162 (CONDSTORE, QRESYNC),
//          7889 (APPENDLIMIT), 8438 (STATUS=SIZE), 8440 (LIST-MYRIGHTS), 8474 (OBJECTID), 8508 (REPLACE), 9394 (PARTIAL).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "ringpost/base/units.hpp"
#include "ringpost/imap/fetch_item.hpp"
#include "ringpost/imap/flags.hpp"
#include "ringpost/imap/number_set.hpp"
#include "ringpost/imap/search_key.hpp"

namespace ringpost::imap {

// ---- any state after login ----
struct Noop {};
struct Namespace {};
struct Idle {};  // "+ idling" is in output(); see ServerSession::next()

// SELECT (QRESYNC (...)), RFC 7162 section 3.2.5.
struct Qresync {
  std::uint32_t uid_validity = 0;
  std::uint64_t mod_sequence = 0;
  std::optional<NumberSet> known_uids;
  // Message sequence numbers and their UIDs, pair by pair, ascending; as many of the one as of the other.
  NumberSet match_numbers;
  NumberSet match_uids;
};
struct Select {
  std::string mailbox;
  bool read_only = false;  // EXAMINE
  bool condstore = false;  // asked for, or enabled before
  std::optional<Qresync> qresync;
};

struct Create {
  std::string mailbox;  // without a separator at its end; `only_parent` says that there was one
  SpecialUses special_uses;
  bool only_parent = false;  // "a/": the client will create names below it
};
struct Delete {
  std::string mailbox;
};
// XRINGPOSTNUMBER: UIDVALIDITY and the next UID are to be those of another server.
struct Number {
  std::string mailbox;
  std::uint32_t uid_validity = 0;
  std::uint32_t uid_next = 0;
};
struct Rename {
  std::string from;
  std::string to;
};
struct Subscribe {
  std::string mailbox;
  bool subscribe = true;  // false: UNSUBSCRIBE
};

// What STATUS and LIST RETURN (STATUS) ask. One bit each.
struct StatusItems {
  static constexpr std::uint16_t kMessages = 1;
  static constexpr std::uint16_t kUidNext = 2;
  static constexpr std::uint16_t kUidValidity = 4;
  static constexpr std::uint16_t kUnseen = 8;
  static constexpr std::uint16_t kRecent = 16;
  static constexpr std::uint16_t kDeleted = 32;
  static constexpr std::uint16_t kSize = 64;
  static constexpr std::uint16_t kHighestModSeq = 128;
  static constexpr std::uint16_t kAppendLimit = 256;
  static constexpr std::uint16_t kMailboxId = 512;
  static constexpr std::uint16_t kDeletedStorage = 1024;
  std::uint16_t bits = 0;
  constexpr bool has(std::uint16_t bit) const { return (bits & bit) != 0; }
  constexpr bool operator==(const StatusItems&) const = default;
};
struct Status {
  std::string mailbox;
  StatusItems items;
};

struct List {
  std::string reference;
  std::vector<std::string> patterns;  // one "" alone asks for the separator (RFC 9051 section 6.3.9)
  bool lsub = false;
  // Selection options. `extended`: any option, or a list of patterns, was given.
  bool extended = false;
  bool select_subscribed = false;
  bool select_remote = false;
  bool select_recursive_match = false;
  bool select_special_use = false;
  // Return options.
  bool return_subscribed = false;
  bool return_children = false;
  bool return_special_use = false;
  bool return_my_rights = false;
  StatusItems return_status;  // bits 0: not asked
};

// ---- selected state ----
struct Check {};
struct Close {};
struct Unselect {};
struct Expunge {
  std::optional<SequenceSet> uids;  // UID EXPUNGE
};

// PARTIAL: a page of results, from the first to the last of it, counted from 1; both may be written in any order. In the response as
// it was written.
struct Page {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  bool from_end = false;  // "-1:-100": 1 is the last of all results
  bool operator==(const Page&) const = default;

  // The results of it, as indices of `count` results in their order; the second behind the last.
  struct Span {
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  Span of(std::size_t count) const;
};

// RETURN (...) of SEARCH and SORT. `given` false: the old untagged SEARCH or SORT response, unless Dialect::search_by_esearch().
struct ReturnOptions {
  bool given = false;
  bool min = false;
  bool max = false;
  bool all = false;  // RETURN () means this too
  bool count = false;
  bool save = false;
  std::optional<Page> partial;  // then not `all`
};
struct Search {
  bool uid = false;
  ReturnOptions options;
  // False, with `save` only: the answer is NO [BADCHARSET], and what was saved before is forgotten (RFC 5182 section 2.1). No key was
  // read.
  bool charset_known = true;
  SearchKey key;
  bool uses_mod_sequence = false;  // a MODSEQ key: the response tells the highest one
};

struct SortKey {
  enum class Kind : std::uint8_t {
    arrival,
    cc,
    date,
    display_from,
    display_to,
    from,
    size,
    subject,
    to,
  };
  Kind kind = Kind::arrival;
  bool reverse = false;
  bool operator==(const SortKey&) const = default;
};
struct Sort {
  bool uid = false;
  ReturnOptions options;
  bool charset_known = true;  // as of Search
  std::vector<SortKey> keys;
  SearchKey search;
  bool uses_mod_sequence = false;
};

enum class ThreadAlgorithm : std::uint8_t { ordered_subject, references };
struct Thread {
  bool uid = false;
  ThreadAlgorithm algorithm = ThreadAlgorithm::references;
  SearchKey search;
};

struct Fetch {
  bool uid =
      false;  // UID FETCH: the item uid is in `items` even if it was not named, but after ENABLE UIDONLY
  SequenceSet set;
  std::vector<FetchItem> items;  // macros expanded, each once
  std::optional<std::uint64_t> changed_since;
  bool vanished = false;        // only in UID FETCH with changed_since, after ENABLE QRESYNC
  std::optional<Page> partial;  // only in UID FETCH: of the messages in the set that there are
};

struct Store {
  enum class Mode : std::uint8_t { replace, add, remove };
  bool uid = false;
  SequenceSet set;
  std::optional<std::uint64_t> unchanged_since;
  Mode mode = Mode::replace;
  bool silent = false;
  FlagList flags;
};

struct Copy {
  bool uid = false;
  bool move = false;
  SequenceSet set;
  std::string mailbox;
};

// ---- QUOTA ----
struct GetQuota {
  std::string root;
};
struct GetQuotaRoot {
  std::string mailbox;
};
struct QuotaLimit {
  std::string resource;  // in upper case: STORAGE (units of 1024 octets), MESSAGE, MAILBOX
  std::uint64_t limit = 0;
};
struct SetQuota {
  std::string root;
  std::vector<QuotaLimit> limits;
};

// ---- METADATA ----
// Mailbox "": of the server. Entries in small letters.
struct GetMetadata {
  enum class Depth : std::uint8_t { entry, children, all };
  std::string mailbox;
  std::vector<std::string> entries;  // "/private" and "/shared" alone too
  Depth depth = Depth::entry;
  std::optional<std::uint64_t> value_size_max;
};
struct MetadataEntry {
  std::string name;
  std::optional<std::string> value;  // nothing: NIL, it goes
};
struct SetMetadata {
  std::string mailbox;
  std::vector<MetadataEntry> entries;
};

// ---- ACL ----
// Identifiers are UTF-8, not empty; one that begins with "-" has rights that are taken away.
struct GetAcl {
  std::string mailbox;
};
struct SetAcl {
  enum class How : std::uint8_t { replace, add, remove };
  std::string mailbox;
  std::string identifier;
  How how = How::replace;
  std::string rights;  // letters of RFC 4314, also the obsolete "c" and "d"; maybe twice, maybe none
};
struct DeleteAcl {
  std::string mailbox;
  std::string identifier;
};
struct ListRights {
  std::string mailbox;
  std::string identifier;
};
struct MyRights {
  std::string mailbox;
};

// ---- NOTIFY ----
// What may be told. One bit each.
struct NotifyEvents {
  static constexpr std::uint8_t kMessageNew = 1;
  static constexpr std::uint8_t kMessageExpunge = 2;
  static constexpr std::uint8_t kFlagChange = 4;
  static constexpr std::uint8_t kMailboxName = 8;
  static constexpr std::uint8_t kSubscriptionChange = 16;
  static constexpr std::uint8_t kMailboxMetadataChange = 32;
  static constexpr std::uint8_t kServerMetadataChange = 64;
  static constexpr std::uint8_t kOfMessages = 7;
  std::uint8_t bits = 0;
  constexpr bool has(std::uint8_t bit) const { return (bits & bit) != 0; }
  constexpr bool operator==(const NotifyEvents&) const = default;
};
struct NotifyGroup {
  enum class Where : std::uint8_t {
    selected,          // whatever is selected at the time; at most one group is of this or the next kind
    selected_delayed,  // the same, but expunges wait for a command that allows them
    personal,
    inboxes,
    subscribed,
    subtree,    // `mailboxes` and all below them
    mailboxes,  // `mailboxes`, which need not exist
  };
  Where where = Where::personal;
  std::vector<std::string> mailboxes;
  NotifyEvents events;  // 0: NONE

  bool of_selected() const { return where == Where::selected || where == Where::selected_delayed; }
};
// NOTIFY SET replaces all that was wanted. Without a group of the selected mailbox nothing is told of its messages.
struct Notify {
  bool on = false;      // NOTIFY NONE: off
  bool status = false;  // STATUS of the mailboxes first
  std::vector<NotifyGroup> groups;
  std::vector<FetchItem> fetch;  // of new messages in the selected mailbox
};

using Command = std::variant<Noop, Namespace, Idle, Select, Create, Delete, Rename, Subscribe, Status, List,
                             Check, Close, Unselect, Expunge, Search, Sort, Thread, Fetch, Store, Copy,
                             GetQuota, GetQuotaRoot, SetQuota, GetMetadata, SetMetadata, Number, Notify,
                             GetAcl, SetAcl, DeleteAcl, ListRights, MyRights>;

// EXPUNGE responses may be sent while it is answered (RFC 9051 section 7.5.1): not for FETCH, STORE, SEARCH, SORT and THREAD by
// sequence number. VANISHED likewise.
bool allows_expunge(const Command& command);

// The message of the selected mailbox that REPLACE removes.
struct Replaced {
  SequenceSet message;  // one number, or '*'
  bool uid = false;     // UID REPLACE
};

// One message of APPEND or REPLACE, before its bytes.
struct AppendMessage {
  std::string mailbox;
  std::size_t index = 0;  // 0 is the first message of the command
  FlagList flags;
  // The date-time of the command: the point in time, and the zone that it was written in.
  std::optional<WallTime> internal_date;
  int zone_minutes = 0;
  std::uint64_t size = 0;
  bool binary = false;               // literal8: NUL may occur
  std::uint32_t uid = 0;             // X-RINGPOST-UID: what it was elsewhere; 0: the next
  bool utf8 = false;                 // UTF8 (~{n}): header fields may be UTF-8 (RFC 6855 section 4)
  std::optional<Replaced> replaces;  // REPLACE
};

}  // namespace ringpost::imap
