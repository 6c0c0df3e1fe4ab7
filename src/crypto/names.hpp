// Host names as certificates hold them.
#pragma once

#include <string>
#include <string_view>

namespace ringpost::crypto {

// Letters, digits, hyphens, underscores and dots, no empty label; "*" may stand as the whole first label.
bool is_dns_name(std::string_view name);

// RFC 6125 section 6.4.3: a star stands for exactly one first label. Both in lower case.
bool matches_dns_name(std::string_view pattern, std::string_view host);

std::string lower_case(std::string_view text);

}  // namespace ringpost::crypto
