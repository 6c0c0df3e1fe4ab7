// Mail addresses as MAIL FROM and RCPT TO carry them, and the one form in which the rest of Ringpost holds them.
//
// Layer:   pure. The parsers borrow: what they return points into their argument.
// Input:   any bytes.
// Limits:  mail/limits.hpp; a longer part is an AddressFault, which says the reply to give.
// RFCs:    5321 sections 4.1.2, 4.1.3, 4.5.3.1 and appendix C; 6531 (SMTPUTF8); 5890 (IDN).
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "ringpost/base/result.hpp"

namespace ringpost::mail {

enum class AddressFault : std::uint8_t {
  syntax,               // 501 5.1.3 (5.1.7 for a sender)
  path_too_long,        // 501 5.1.3
  local_part_too_long,  // 501 5.1.3
  domain_too_long,      // 501 5.1.3
  bad_domain,           // a label that no DNS name has, or an address literal that is none
  bare_local_part,      // no domain, and not postmaster
  needs_smtputf8,       // non-ASCII without SMTPUTF8: 553 5.6.7
  bad_utf8,             // non-ASCII that is not UTF-8
};
std::string_view to_string(AddressFault fault);  // for a person, fits after "501 5.1.3 "

enum class DomainKind : std::uint8_t { none, name, ipv4_literal, ipv6_literal, other_literal };

// Points into the parsed text.
struct ParsedPath {
  std::string_view local_part;  // as written, with its quotes
  std::string_view domain;      // as written, with the brackets of a literal; without a final dot
  std::size_t size = 0;         // bytes of the text that the path took, angle brackets included
  DomainKind domain_kind = DomainKind::none;
  bool null_path = false;     // <>
  bool quoted = false;        // the local part is a quoted string
  bool source_route = false;  // "@a,@b:" stood before it and is ignored (RFC 5321 appendix C)
  bool utf8 = false;          // a byte above 127 somewhere
};

struct PathRules {
  bool allow_null = false;             // <> is a path: MAIL FROM
  bool allow_bare_postmaster = false;  // <postmaster> is one: RCPT TO (RFC 5321 section 4.1.1.3)
  bool allow_bare_local_part = false;  // <user>: what sendmail and aliases may write
  bool smtputf8 = false;
};
inline constexpr PathRules kReversePathRules{.allow_null = true};
inline constexpr PathRules kForwardPathRules{.allow_bare_postmaster = true};

// A path at the front of `text`, which begins with '<'. What follows '>' is the caller's (ParsedPath::size).
std::expected<ParsedPath, AddressFault> parse_path(std::string_view text, PathRules rules);
// A mailbox without angle brackets, all of `text`.
std::expected<ParsedPath, AddressFault> parse_mailbox(std::string_view text, PathRules rules);

// Appends the canonical form: the local part with quotes only where it needs them and case kept, '@', the
// domain in lower case and A-labels. Nothing for the null path. Fails (bad_domain) when IDNA refuses the
// domain; `out` is then as it was.
std::expected<void, AddressFault> append_canonical(const ParsedPath& path, std::string& out);

// Parses and makes canonical in one step. For tools, aliases and configuration, not for the hot path.
std::expected<std::string, AddressFault> canonical_address(std::string_view mailbox,
                                                           PathRules rules = {.smtputf8 = true});

// A domain name: letters, digits, hyphens (and underscores, which exist) in labels; or UTF-8 when `smtputf8`.
bool is_valid_domain(std::string_view domain, bool smtputf8);
// Appends the domain in lower case and A-labels. Literals go through in lower case.
std::expected<void, AddressFault> append_canonical_domain(std::string_view domain, std::string& out);
// U-labels for people; the domain as it is when it has none or they are invalid.
std::string unicode_domain(std::string_view canonical_domain);

// A canonical address in two. The domain is empty for a bare local part.
struct AddressParts {
  std::string_view local_part;  // with quotes when it has them
  std::string_view domain;
};
AddressParts split_address(std::string_view canonical);

// The local part without quotes and backslashes: what a mailbox is called.
std::string unquote_local_part(std::string_view local_part);
// With quotes when it is not a dot-atom.
std::string quote_local_part(std::string_view plain);

// "user+news" with "+" is user and news. Several delimiters: the first that occurs splits. A delimiter at the
// front does not split, and "owner-x" and "x-request" are the caller's to except.
struct LocalPartExtension {
  std::string_view user;
  std::string_view extension;
  char delimiter = 0;  // 0: none
};
LocalPartExtension split_extension(std::string_view local_part, std::string_view delimiters);

// The local part asks to be routed on: user%host, host!user, "user@host", @host:user. Sendmail did so once; a
// relay that does is open. True also for the quoted forms.
bool looks_like_relay_route(std::string_view local_part);

// ASCII only, as domains and local keywords compare.
bool equal_ignoring_case(std::string_view a, std::string_view b);
bool is_utf8(std::string_view text);

}  // namespace ringpost::mail
