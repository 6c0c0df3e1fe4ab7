// Flags of messages and attributes of mailboxes.
//
// Layer:   pure.
// RFCs:    9051 sections 2.3.2 and 7.3.1, 6154 and 8457 (special uses), 5258 (list attributes).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ringpost::imap {

// One bit each; \Recent is told, never set by a client.
struct SystemFlags {
  static constexpr std::uint8_t kAnswered = 1;
  static constexpr std::uint8_t kFlagged = 2;
  static constexpr std::uint8_t kDeleted = 4;
  static constexpr std::uint8_t kSeen = 8;
  static constexpr std::uint8_t kDraft = 16;
  static constexpr std::uint8_t kRecent = 32;
  static constexpr std::uint8_t kSettable = 31;
  std::uint8_t bits = 0;

  constexpr bool operator==(const SystemFlags&) const = default;
  constexpr bool has(std::uint8_t bit) const { return (bits & bit) != 0; }
};
// "\Seen" in any case; nullopt when it is none of the six.
std::optional<std::uint8_t> find_system_flag(std::string_view name);

// What STORE and APPEND name. Keywords in the case in which they were sent, each once (they compare without case).
struct FlagList {
  SystemFlags system;
  std::vector<std::string> keywords;
  bool operator==(const FlagList&) const = default;
};

// An atom that may be a keyword: no backslash, at most kKeywordBytesMax.
bool is_keyword(std::string_view name);

// "\Answered \Seen $Forwarded", without parentheses.
void append_flags(SystemFlags system, std::span<const std::string_view> keywords, std::string& out);

// RFC 6154, and \Important of RFC 8457. One bit each: a mailbox may have several.
struct SpecialUses {
  static constexpr std::uint8_t kAll = 1;
  static constexpr std::uint8_t kArchive = 2;
  static constexpr std::uint8_t kDrafts = 4;
  static constexpr std::uint8_t kFlagged = 8;
  static constexpr std::uint8_t kJunk = 16;
  static constexpr std::uint8_t kSent = 32;
  static constexpr std::uint8_t kTrash = 64;
  static constexpr std::uint8_t kImportant = 128;
  std::uint8_t bits = 0;

  constexpr bool operator==(const SpecialUses&) const = default;
};
std::optional<std::uint8_t> find_special_use(std::string_view name);

// What a LIST response says of a mailbox.
struct MailboxAttributes {
  bool non_existent = false;
  bool no_select = false;
  bool no_inferiors = false;
  bool has_children = false;  // neither: nothing is said about children
  bool has_no_children = false;
  bool marked = false;
  bool unmarked = false;
  bool subscribed = false;
  bool remote = false;
  SpecialUses special_uses;
};
void append_attributes(const MailboxAttributes& attributes, std::string& out);

}  // namespace ringpost::imap
