// Names of mailboxes and keywords.
//
// Layer: durable, private, without I/O.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ringpost::store {

bool same_letters(std::string_view a, std::string_view b);  // ASCII case apart
// The inbox in capitals, as its name or as the first level; nothing when it cannot be a name.
std::optional<std::string> normal_name(std::string_view name);
std::optional<std::string> normal_subscription(std::string_view name);
bool is_keyword_name(std::string_view name);
// "a/b" of "a/b/c"; "" of "a".
std::string_view parent_of(std::string_view name);

}  // namespace ringpost::store
