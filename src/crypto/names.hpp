// Host names and IP addresses as certificates hold them.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace ringpost::crypto {

// The 4 or 16 bytes of an IP address, or nothing when the text is none.
std::optional<std::string> address_bytes(std::string_view text);
// Their one text form, or "" when the size is neither 4 nor 16.
std::string address_text(std::span<const unsigned char> bytes);

// Letters, digits, hyphens, underscores and dots, no empty label; "*" may stand as the whole first label.
bool is_dns_name(std::string_view name);

// RFC 6125 section 6.4.3: a star stands for exactly one first label. Both in lower case.
bool matches_dns_name(std::string_view pattern, std::string_view host);

std::string lower_case(std::string_view text);

}  // namespace ringpost::crypto
