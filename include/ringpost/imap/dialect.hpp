// What a client has enabled, and every difference that it makes: IMAP4rev1 and IMAP4rev2 in one place.
//
// Layer:   pure. Owner: the session; it changes with ENABLE and with commands that imply CONDSTORE.
// RFCs:    9051 appendix E (rev1 to rev2), 5161 (ENABLE), 6855 (UTF8=ACCEPT), 7162 (CONDSTORE, QRESYNC), 9586 (UIDONLY).
#pragma once

namespace ringpost::imap {

struct Dialect {
  bool rev2 = false;         // ENABLE IMAP4rev2
  bool utf8_accept = false;  // ENABLE UTF8=ACCEPT
  bool condstore = false;    // ENABLE CONDSTORE, or any command that uses mod-sequences
  bool qresync = false;      // ENABLE QRESYNC; implies condstore
  bool uid_only = false;     // ENABLE UIDONLY: no message sequence numbers, either way

  // Mailbox names are UTF-8 on the wire; else modified UTF-7.
  constexpr bool utf8_names() const { return rev2 || utf8_accept; }
  // Quoted strings may hold UTF-8.
  constexpr bool utf8_strings() const { return rev2 || utf8_accept; }
  // Header fields with UTF-8 are sent as they are; a client without this may not get them (RFC 6855 section 4).
  constexpr bool utf8_headers() const { return rev2 || utf8_accept; }
  // SEARCH is answered by ESEARCH even without RETURN (RFC 9051 section 6.4.4).
  constexpr bool search_by_esearch() const { return rev2; }
  // RECENT, \Recent, and UNSEEN at SELECT are rev1 only.
  constexpr bool tells_recent() const { return !rev2; }
  constexpr bool tells_first_unseen() const { return !rev2 && !uid_only; }
  // SELECT answers with a LIST response (RFC 9051 section 6.3.2).
  constexpr bool list_at_select() const { return rev2; }
  // "* OK [CLOSED]" when a SELECT leaves a mailbox (RFC 7162 section 3.2.11, RFC 9051 section 6.3.2).
  constexpr bool tells_closed() const { return rev2 || qresync; }
  // VANISHED in place of EXPUNGE (RFC 7162 section 3.2.10, RFC 9586 section 3.4).
  constexpr bool tells_vanished() const { return qresync || uid_only; }
  // LIST answers with "\NonExistent" and the like, and OLDNAME, without being asked.
  constexpr bool list_is_extended() const { return rev2; }

  constexpr bool operator==(const Dialect&) const = default;
};

}  // namespace ringpost::imap
