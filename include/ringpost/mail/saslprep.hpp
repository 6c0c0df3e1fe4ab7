// SASLprep (RFC 4013): the one form of a password that both ends hash.
//
// Layer:  pure.
// RFCs:   4013, 3454.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace ringpost::mail {

// As long as sasl takes a password; the normal form may be many times as long.
inline constexpr std::size_t kSaslprepBytesMax = 1024;

// nullopt when the text is no UTF-8, holds what may not stand in a password, or is empty afterwards. ASCII without control
// characters is returned as it is.
std::optional<std::string> saslprep(std::string_view text);

}  // namespace ringpost::mail
