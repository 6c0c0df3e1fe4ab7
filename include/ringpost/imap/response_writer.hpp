// Untagged responses, appended to a buffer.
//
// Layer:   pure. Owner: made where it is needed, by ServerSession::respond(); it borrows the buffer and the dialect.
// Input:   facts, in UTF-8. Output: bytes that parse, whatever the facts hold: each string is an atom, quoted or a literal as its
//          bytes and the dialect need.
// RFCs:    9051 section 7, 3501 section 7, 4314, 4731, 5256, 5267, 5464, 7162, 8474, 8514, 8970, 9208, 9394, 9586.
//
//   auto respond = session.respond();
//   respond.exists(172);
//   auto fetch = respond.fetch({.number = 12, .uid = 4711});
//   fetch.uid(4711);
//   fetch.flags({SystemFlags::kSeen}, {});
//   fetch.section(section, std::nullopt, bytes.size());  // "BODY[TEXT] {4096}CRLF": the bytes follow, in the buffer or
//                                                        // sent behind it by the driver
//   fetch.end();
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/base/units.hpp"
#include "ringpost/imap/command.hpp"
#include "ringpost/imap/dialect.hpp"
#include "ringpost/imap/fetch_item.hpp"
#include "ringpost/imap/flags.hpp"
#include "ringpost/imap/number_set.hpp"
#include "ringpost/imap/status_response.hpp"
#include "ringpost/mail/mime.hpp"

namespace ringpost::imap {

// ---- the shapes of strings ----
// A quoted string, or a literal where it cannot be quoted; literal8 where it holds NUL.
void append_string(std::string_view text, bool utf8, std::string& out);
// The same, or an atom where it can be one.
void append_astring(std::string_view text, bool utf8, std::string& out);
// "NIL" for nullopt.
void append_nstring(std::optional<std::string_view> text, bool utf8, std::string& out);
void append_mailbox(std::string_view utf8_name, const Dialect& dialect, std::string& out);
// "17-Jul-1996 02:44:25 -0700", with quotes.
void append_date_time(WallTime time, int zone_minutes, std::string& out);

// How a response names a message: by its number, or after ENABLE UIDONLY by its UID.
struct MessageName {
  std::uint32_t number = 0;
  std::uint32_t uid = 0;
};

// One "* number FETCH (...)", or "* uid UIDFETCH (...)". Exactly one end(); items in any order.
class FetchWriter {
 public:
  FetchWriter(MessageName message, const Dialect& dialect, std::string& out);

  void uid(std::uint32_t uid);
  void flags(SystemFlags system, std::span<const std::string_view> keywords);
  void mod_sequence(std::uint64_t value);
  void internal_date(WallTime time, int zone_minutes = 0);
  void size(std::uint64_t bytes);
  void email_id(std::string_view id);
  void thread_id(std::optional<std::string_view> id);  // nullopt: NIL
  void save_date(std::optional<WallTime> time, int zone_minutes = 0);
  void preview(std::optional<std::string_view> text);
  void envelope(const mail::MessageEnvelope& envelope);
  // BODY or BODYSTRUCTURE.
  void structure(const mail::MimeStructure& structure, bool extended);

  // The head of a literal; its `size` bytes follow. `literal8`: NUL may be among them, after BINARY only.
  void section(const FetchItem& item, std::uint64_t size, bool literal8 = false);
  void section_nil(const FetchItem& item);  // no such part
  void binary_size(const FetchItem& item, std::uint64_t size);
  // Small ones at once.
  void section(const FetchItem& item, std::string_view bytes);

  void end();

 private:
  void begin_item(std::string_view name);
  void section_name(const FetchItem& item);

  const Dialect& dialect_;
  std::string& out_;
  bool first_ = true;
};

struct EsearchResult {
  std::string_view tag;  // of the command
  bool uid = false;
  std::optional<std::uint32_t> min;
  std::optional<std::uint32_t> max;
  std::optional<std::uint64_t> count;
  const NumberSet* all = nullptr;                 // SEARCH: sorted
  std::span<const std::uint32_t> all_in_order{};  // ESORT: in the order of the sort; `all` is nullptr then
  std::optional<Page> partial;                    // then those are not all, but the page
  std::optional<std::uint64_t> mod_sequence;
};

struct ListEntry {
  std::string_view name;  // UTF-8
  char separator = '/';   // 0: NIL
  MailboxAttributes attributes;
  bool child_info_subscribed = false;  // ("CHILDINFO" ("SUBSCRIBED"))
  std::string_view old_name;           // ("OLDNAME" (...)); empty: none
};

struct StatusValues {
  StatusItems items;  // which of these are told
  std::uint32_t messages = 0;
  std::uint32_t recent = 0;
  std::uint32_t unseen = 0;
  std::uint32_t deleted = 0;
  std::uint32_t uid_next = 0;
  std::uint32_t uid_validity = 0;
  std::uint64_t size = 0;
  std::uint64_t deleted_storage = 0;
  std::uint64_t highest_mod_sequence = 0;
  std::optional<std::uint64_t> append_limit;  // nullopt: NIL
  std::string_view mailbox_id;
};

// A tree of threads: a message, or a gap (number 0), and what answers it.
struct ThreadNode {
  std::uint32_t number = 0;
  std::vector<ThreadNode> children;
};

struct QuotaUsage {
  std::string_view resource;
  std::uint64_t usage = 0;
  std::uint64_t limit = 0;
};

struct AclEntry {
  std::string identifier;
  std::string rights;  // letters
};

class ResponseWriter {
 public:
  ResponseWriter(const Dialect& dialect, std::string& out) : dialect_(dialect), out_(out) {}

  // "* OK [CODE] text".
  void status(const StatusResponse& response);

  // ---- the selected mailbox ----
  void exists(std::uint32_t count);
  void recent(std::uint32_t count);  // nothing where the dialect has none
  void expunge(std::uint32_t number);
  void vanished(const NumberSet& uids, bool earlier);  // nothing for the empty set
  // `flags` of append_flags: "* FLAGS (...)".
  void flags(std::string_view flags);
  FetchWriter fetch(MessageName message) { return {message, dialect_, out_}; }

  // ---- results ----
  // The old response, also for no hits.
  void search(std::span<const std::uint32_t> numbers, std::optional<std::uint64_t> mod_sequence = {});
  void sort(std::span<const std::uint32_t> numbers, std::optional<std::uint64_t> mod_sequence = {});
  void esearch(const EsearchResult& result);
  void thread(std::span<const ThreadNode> threads);

  // ---- mailboxes ----
  void list(const ListEntry& entry);
  void lsub(const ListEntry& entry);
  void status_of(std::string_view mailbox, const StatusValues& values);
  // One personal namespace and one of other users, as we have them: (("" "/")) (("Other Users/" "/")) NIL. `other` empty: NIL too.
  void namespaces(std::string_view personal, char separator, std::string_view other = {});

  // ---- QUOTA ----
  void quota(std::string_view root, std::span<const QuotaUsage> usages);
  void quota_root(std::string_view mailbox, std::span<const std::string_view> roots);

  // ---- ACL; rights are letters
  void acl(std::string_view mailbox, std::span<const AclEntry> entries);
  // `required`: what the identifier has whatever is said; `optional`: groups of rights that are given together.
  void list_rights(std::string_view mailbox, std::string_view identifier, std::string_view required,
                   std::span<const std::string_view> optional);
  void my_rights(std::string_view mailbox, std::string_view rights);

  // ---- METADATA; mailbox "": of the server ----
  void metadata(std::string_view mailbox, std::span<const MetadataEntry> entries);      // not empty
  void metadata_changed(std::string_view mailbox, std::span<const std::string> names);  // the same

  // What is not above: "* " + text + CRLF. `text` is already in the protocol's form.
  void untagged(std::string_view text);

 private:
  void list_as(std::string_view name, const ListEntry& entry);

  const Dialect& dialect_;
  std::string& out_;
};

// ---- prepared structure to protocol text: message_writer.cpp ----
void append_envelope(const mail::MessageEnvelope& envelope, bool utf8, std::string& out);
// `extended`: BODYSTRUCTURE; else BODY.
void append_body_structure(const mail::MimeStructure& structure, bool extended, bool utf8, std::string& out);

}  // namespace ringpost::imap
