// Mailbox names: UTF-8 in the house, modified UTF-7 or UTF-8 on the wire.
//
// Layer:   pure.
// Limits:  kMailboxNameBytesMax.
// RFCs:    3501 section 5.1.3 (modified UTF-7), 9051 section 5.1, 5198 (Net-Unicode).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ringpost::imap {

// nullopt when it is not modified UTF-7, or has an encoding that a correct writer would not make.
std::optional<std::string> decode_modified_utf7(std::string_view name);
// `name` is UTF-8.
void append_modified_utf7(std::string_view name, std::string& out);
std::string modified_utf7(std::string_view name);

inline constexpr std::string_view kInbox = "INBOX";

// What a command named, as UTF-8; "inbox" and "inbox/..." in any case have INBOX in upper case. nullopt: no name at all
// (malformed, control characters, too long, empty). `utf8`: Dialect::utf8_names().
std::optional<std::string> read_mailbox_name(std::string_view wire, bool utf8, char separator = '/');

// LIST's pattern: '*' matches all, '%' all but the separator. INBOX matches without case. Made once for many names; a name costs
// its length times the pattern's in words of 64 letters, whatever the wildcards.
class NamePattern {
 public:
  explicit NamePattern(std::string_view pattern, char separator = '/');
  bool matches(std::string_view name);

 private:
  static constexpr std::uint16_t kNoRow = 0xFFFF;
  void pass_wildcards();
  bool step(char c, char same);

  char separator_;
  std::size_t end_ = 0;                        // the last place
  std::size_t words_ = 0;                      // for a bit of each place
  std::vector<std::uint64_t> any_, in_level_;  // wildcards that take a separator; all of them
  std::vector<std::uint64_t> letters_;         // rows of places, one for each letter of the pattern
  std::array<std::uint16_t, 256> row_of_;
  std::vector<std::uint64_t> now_;  // places that the name so far can have reached
};

}  // namespace ringpost::imap
