// The first words of a message, for PREVIEW (RFC 8970).
//
// Layer: services.
#pragma once

#include <optional>
#include <string>

#include "message_parts.hpp"

namespace ringpost::access {

// Of the first part with text; nothing when there is none.
Task<Result<std::optional<std::string>>> make_preview(MessageParts& parts);

// A text part in UTF-8; bytes that its charset does not have are replaced.
std::string decoded_text(const mail::MimePart& part, std::string_view bytes);
// HTML without what is not read.
std::string without_markup(std::string_view html);

}  // namespace ringpost::access
