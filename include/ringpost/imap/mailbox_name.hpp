// Mailbox names: UTF-8 in the house, modified UTF-7 or UTF-8 on the wire.
//
// Layer:   pure.
// Limits:  kMailboxNameBytesMax.
// RFCs:    3501 section 5.1.3 (modified UTF-7), 9051 section 5.1, 5198 (Net-Unicode).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ringpost::imap {

// nullopt when it is not modified UTF-7, or has an encoding that a correct writer would not make.
std::optional<std::string> decode_modified_utf7(std::string_view name);
// `name` is UTF-8.
void append_modified_utf7(std::string_view name, std::string& out);
std::string modified_utf7(std::string_view name);

// What a command named, as UTF-8; "inbox" and "inbox/..." in any case have INBOX in upper case. nullopt: no name at all
// (malformed, control characters, too long, empty). `utf8`: Dialect::utf8_names().
std::optional<std::string> read_mailbox_name(std::string_view wire, bool utf8, char separator = '/');

// LIST's pattern: '*' matches all, '%' all but the separator. INBOX matches without case. O(name * pattern), both bounded.
bool matches_pattern(std::string_view name, std::string_view pattern, char separator = '/');

}  // namespace ringpost::imap
