// The commands by name: when they may be said, what must be offered, and who reads their arguments.
//
// Layer:   private to `imap`.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "ringpost/imap/capability.hpp"
#include "ringpost/imap/command.hpp"
#include "ringpost/imap/dialect.hpp"
#include "ringpost/imap/server_settings.hpp"

#include "cursor.hpp"

namespace ringpost::imap {

// Who answers: the driver, or the session by itself.
enum class Verb : std::uint8_t {
  driver,
  append,
  authenticate,
  capability,
  compress,
  enable,
  id,
  login,
  logout,
  noop,
  starttls,
  unauthenticate,
};

// Where a command may be said.
enum class Needs : std::uint8_t { nothing, no_login, login, selected };

// What a parser needs besides its cursor, and what it makes.
struct Parsing {
  const ServerSettings& settings;
  Dialect dialect;
  bool uid = false;             // behind UID
  bool uses_condstore = false;  // the command makes the client one of CONDSTORE
  Command command;

  bool offers(Capability capability) const { return settings.capabilities.has(capability); }
  // False, with the fault in `in`: the command names messages by numbers, and the client has said that it never would.
  bool may_number(Cursor& in) const {
    return uid || !dialect.uid_only ||
           in.fail({Condition::bad, codes::kUidRequired, "after ENABLE UIDONLY there are UIDs only"});
  }
};

struct CommandTraits {
  std::string_view name;
  Verb verb = Verb::driver;
  Needs needs = Needs::nothing;
  std::optional<Capability> capability;
  // Reads from the blank behind the name; nullptr where the session does.
  bool (*parse)(Cursor& in, Parsing& out) = nullptr;
};
// nullptr: there is no such command. `uid`: the word behind "UID".
const CommandTraits* find_command(std::string_view name, bool uid);

// ---- the parsers, by subject ----
// parse_mailbox.cpp
bool parse_select(Cursor& in, Parsing& out);
bool parse_examine(Cursor& in, Parsing& out);
bool parse_create(Cursor& in, Parsing& out);
bool parse_delete(Cursor& in, Parsing& out);
bool parse_rename(Cursor& in, Parsing& out);
bool parse_subscribe(Cursor& in, Parsing& out);
bool parse_unsubscribe(Cursor& in, Parsing& out);
bool parse_status(Cursor& in, Parsing& out);
bool parse_number(Cursor& in, Parsing& out);
bool parse_get_quota(Cursor& in, Parsing& out);
bool parse_get_quota_root(Cursor& in, Parsing& out);
bool parse_set_quota(Cursor& in, Parsing& out);
bool read_status_items(Cursor& in, Parsing& out, StatusItems& items);
// parse_acl.cpp
bool parse_get_acl(Cursor& in, Parsing& out);
bool parse_set_acl(Cursor& in, Parsing& out);
bool parse_delete_acl(Cursor& in, Parsing& out);
bool parse_list_rights(Cursor& in, Parsing& out);
bool parse_my_rights(Cursor& in, Parsing& out);
// parse_metadata.cpp
bool parse_get_metadata(Cursor& in, Parsing& out);
bool parse_set_metadata(Cursor& in, Parsing& out);
// parse_notify.cpp
bool parse_notify(Cursor& in, Parsing& out);
// parse_list.cpp
bool parse_list(Cursor& in, Parsing& out);
bool parse_lsub(Cursor& in, Parsing& out);
// parse_message.cpp
bool parse_expunge(Cursor& in, Parsing& out);
bool parse_store(Cursor& in, Parsing& out);
bool parse_copy(Cursor& in, Parsing& out);
bool parse_move(Cursor& in, Parsing& out);
bool read_flags(Cursor& in, FlagList& flags);
// parse_fetch.cpp
bool parse_fetch(Cursor& in, Parsing& out);
bool read_fetch_items(Cursor& in, Parsing& out, std::vector<FetchItem>& items);  // in parentheses
// parse_search.cpp
bool parse_search(Cursor& in, Parsing& out);
bool parse_sort(Cursor& in, Parsing& out);
bool parse_thread(Cursor& in, Parsing& out);
// parse_append.cpp: what stands before the literal; `in` has nothing behind it.
enum class AppendHead : std::uint8_t {
  name,     // the mailbox is a literal that is still to come
  message,  // complete up to its literal
  broken,
};
// `message` gets its mailbox; and of REPLACE, which is an APPEND with a message that goes, that one.
AppendHead read_append_mailbox(Cursor& in, const Parsing& parsing, bool replace, AppendMessage& message);
AppendHead read_append_message(Cursor& in, const Parsing& parsing, AppendMessage& message);

// ---- dates: parse_dates.cpp ----
bool read_date(Cursor& in, std::chrono::sys_days& out);
bool read_date_time(Cursor& in, WallTime& time, int& zone_minutes);

}  // namespace ringpost::imap
