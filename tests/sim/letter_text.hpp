// What a message that has come says of itself: fields, the letter that it is, the id that the server gave it.
//
// Layer: simulator. Views of the text that was given.
#pragma once

#include <optional>
#include <string_view>

#include "ringpost/base/ids.hpp"

namespace ringpost::simulator {

// The value of a field; "" when there is none.
std::string_view field(std::string_view text, std::string_view name);
std::optional<unsigned> number_in(std::string_view text);
// The field that the server puts in front; "" when there is none.
std::string_view received_field(std::string_view text);
MessageId id_in(std::string_view received);

}  // namespace ringpost::simulator
