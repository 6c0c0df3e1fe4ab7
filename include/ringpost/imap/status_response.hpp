// The response that ends a command, and the codes in its brackets.
//
// Layer:   pure. Views are read at once and never kept.
// RFCs:    9051 section 7.1, 5530 (codes), 4315 (APPENDUID, COPYUID), 7162 (HIGHESTMODSEQ, MODIFIED), 4469 (TOOBIG), 8474 (MAILBOXID), 9585
//          (INPROGRESS).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ringpost/imap/number_set.hpp"

namespace ringpost::imap {

enum class Condition : std::uint8_t { ok, no, bad };
std::string_view to_string(Condition condition);

struct StatusResponse {
  Condition condition = Condition::ok;
  std::string_view code;  // without brackets; empty: none
  std::string_view text;  // not empty; what could end the line becomes a blank
};

// Codes without arguments (RFC 5530 and the protocol's own).
namespace codes {
inline constexpr std::string_view kAlert = "ALERT";
inline constexpr std::string_view kAlreadyExists = "ALREADYEXISTS";
inline constexpr std::string_view kAuthenticationFailed = "AUTHENTICATIONFAILED";
inline constexpr std::string_view kAuthorizationFailed = "AUTHORIZATIONFAILED";
inline constexpr std::string_view kCannot = "CANNOT";
inline constexpr std::string_view kClientBug = "CLIENTBUG";
inline constexpr std::string_view kClosed = "CLOSED";
inline constexpr std::string_view kCompressionActive = "COMPRESSIONACTIVE";
inline constexpr std::string_view kContactAdmin = "CONTACTADMIN";
inline constexpr std::string_view kCorruption = "CORRUPTION";
inline constexpr std::string_view kExpired = "EXPIRED";
inline constexpr std::string_view kExpungeIssued = "EXPUNGEISSUED";
inline constexpr std::string_view kHasChildren = "HASCHILDREN";
inline constexpr std::string_view kInUse = "INUSE";
inline constexpr std::string_view kLimit = "LIMIT";
inline constexpr std::string_view kNoModSeq = "NOMODSEQ";
inline constexpr std::string_view kNonExistent = "NONEXISTENT";
inline constexpr std::string_view kNoPerm = "NOPERM";
inline constexpr std::string_view kNotificationOverflow = "NOTIFICATIONOVERFLOW";
inline constexpr std::string_view kNotSaved = "NOTSAVED";
inline constexpr std::string_view kOverQuota = "OVERQUOTA";
inline constexpr std::string_view kPrivacyRequired = "PRIVACYREQUIRED";
inline constexpr std::string_view kReadOnly = "READ-ONLY";
inline constexpr std::string_view kReadWrite = "READ-WRITE";
inline constexpr std::string_view kServerBug = "SERVERBUG";
inline constexpr std::string_view kTooBig = "TOOBIG";
inline constexpr std::string_view kTryCreate = "TRYCREATE";
inline constexpr std::string_view kUidRequired = "UIDREQUIRED";
inline constexpr std::string_view kUidNotSticky = "UIDNOTSTICKY";
inline constexpr std::string_view kUnavailable = "UNAVAILABLE";
inline constexpr std::string_view kUnknownCte = "UNKNOWN-CTE";
inline constexpr std::string_view kUseAttr = "USEATTR";

std::string append_uid(std::uint32_t uid_validity, const NumberSet& uids);
// Pair by pair: the n-th UID of `from` became the n-th of `to`.
std::string copy_uid(std::uint32_t uid_validity, const NumberSet& from, const NumberSet& to);
std::string highest_mod_sequence(std::uint64_t value);
std::string modified(const NumberSet& set);
std::string uid_next(std::uint32_t uid);
std::string uid_validity(std::uint32_t value);
std::string unseen(std::uint32_t number);
std::string mailbox_id(std::string_view id);
// `flags` as append_flags writes them; "\*" among them when keywords may be made.
std::string permanent_flags(std::string_view flags);
std::string metadata_long_entries(std::uint64_t size);  // of the longest value that was not told
std::string metadata_max_size(std::uint64_t size);
inline constexpr std::string_view kMetadataTooMany = "METADATA TOOMANY";
inline constexpr std::string_view kMetadataNoPrivate = "METADATA NOPRIVATE";
// How far the command of this tag is (RFC 9585): `done` of `goal`, and less.
std::string in_progress(std::string_view tag, std::uint64_t done, std::uint64_t goal);
std::string bad_charset();  // with the charsets that we know
}  // namespace codes

}  // namespace ringpost::imap
