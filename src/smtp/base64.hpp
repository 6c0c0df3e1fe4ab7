// Base64 as RFC 4954 wants it: one line, padded, nothing else in it.
//
// Layer: pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ringpost/sasl/secret.hpp"

namespace ringpost::smtp {

void append_base64(std::string_view bytes, std::string& out);
// nullopt for any byte outside the alphabet, missing or misplaced padding, or stray bits. What it held is
// wiped with the Secret: credentials travel this way.
std::optional<sasl::Secret> decode_base64(std::string_view text);

}  // namespace ringpost::smtp
