// Bounds of one IMAP conversation, each with its reason. What an operator may change is in ServerSettings.
//
// Layer: pure.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ringpost::imap {

// ---- bytes of a command ----
// One command with its literals, apart from the messages of APPEND. RFC 7162 section 4 and RFC 9051 appendix C ask clients to
// stay below 8192 octets; sets of UIDs that programs really send grow to some tens of KiB.
inline constexpr std::size_t kCommandBytesMax = 64 * 1024;
// Before login: AUTHENTICATE with a token (RFC 4954's 12288 octets are the custom) is the longest that is useful.
inline constexpr std::size_t kCommandBytesBeforeLogin = 16 * 1024;
// What a driver holds behind a command that is not answered yet; then it stops receiving. The session itself holds no byte
// beyond the command that it is reading.
inline constexpr std::size_t kUnparsedBytesMax = 64 * 1024;
// An overlong line, or literals that were sent unasked and are refused, are read and dropped up to here; then BYE.
inline constexpr std::uint64_t kDroppedLineBytesMax = 1024 * 1024;
inline constexpr std::uint64_t kDroppedLiteralBytesMax = 1024ULL * 1024 * 1024;
// Digits of a literal's size: RFC 9051 has 63 bits.
inline constexpr std::uint64_t kLiteralSizeMax = 9'223'372'036'854'775'807ULL;
// RFC 7888 section 5: what LITERAL- lets a client send unasked. We take more from those who know LITERAL+.
inline constexpr std::size_t kTagBytesMax = 64;

// ---- parts of a command ----
inline constexpr std::size_t kSetRangesMax = 16'384;  // of one set, before it is sorted: 128 KiB
inline constexpr std::size_t kSearchKeysMax = 1024;   // of one search program, parentheses counted
inline constexpr std::size_t kSearchDepthMax = 64;    // OR a OR b OR c nests; programs send a dozen
inline constexpr std::size_t kFetchItemsMax = 128;
inline constexpr std::size_t kSectionPartsMax = 128;  // numbers in BODY[1.2.3]; mail::kMimeDepthMax has fewer
inline constexpr std::size_t kSectionFieldsMax = 256;
inline constexpr std::size_t kFlagsMax = 128;         // of one STORE or APPEND
inline constexpr std::size_t kKeywordBytesMax = 255;  // of one keyword
inline constexpr std::size_t kListPatternsMax = 64;
inline constexpr std::size_t kSortKeysMax = 16;
// In UTF-8; a pattern of LIST, too. Of a mailbox of somebody else "Other Users", the owner's name and its own: 12 + 321 + 1000.
inline constexpr std::size_t kMailboxNameBytesMax = 1400;
inline constexpr std::size_t kIdPairsMax = 30;  // RFC 2971 section 3.3, with the two below
inline constexpr std::size_t kIdNameBytesMax = 30;
inline constexpr std::size_t kIdValueBytesMax = 1024;
inline constexpr std::size_t kAppendMessagesMax = 10'000;  // of one MULTIAPPEND
inline constexpr std::size_t kQuotaLimitsMax = 16;
inline constexpr std::size_t kIdentifierBytesMax = 321;  // of an access list: "-" and the name of a user
inline constexpr std::size_t kEnableNamesMax = 64;
inline constexpr std::size_t kNotifyGroupsMax = 64;
inline constexpr std::size_t kNotifyMailboxesMax = 1000;   // in all groups: each is compared at each event
inline constexpr std::size_t kMetadataEntriesMax = 64;     // of one command
inline constexpr std::size_t kMetadataNameBytesMax = 255;  // of one entry
// A value must fit into a command, and RFC 5464 section 4.1 asks for 1024 at least.
inline constexpr std::size_t kMetadataValueBytesMax = 32 * 1024;

// ---- output ----
// Responses gathered before the session asks to be flushed.
inline constexpr std::size_t kOutputBytesFlush = 16 * 1024;
// An idle session gives back buffers larger than this.
inline constexpr std::size_t kIdleBufferBytes = 256;
// A longer string is a literal even when it could be quoted: its reader knows the size at once.
inline constexpr std::size_t kQuotedBytesMax = 1000;

}  // namespace ringpost::imap
