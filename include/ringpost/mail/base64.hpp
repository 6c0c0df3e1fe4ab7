// Base64 (RFC 4648 section 4) for AUTH, encoded words and MIME.
//
// Layer:   pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ringpost::mail {

void append_base64(std::string_view bytes, std::string& out);
std::string base64(std::string_view bytes);
// Strict: padding required, no blanks, no stray bits. nullopt when it is not base64.
std::optional<std::string> decode_base64(std::string_view text);
// As MIME bodies need it: lines of 76 characters, each ended by CRLF.
void append_base64_lines(std::string_view bytes, std::string& out);

}  // namespace ringpost::mail
