// What an EHLO or LHLO reply offers.
//
// Layer: pure. RFCs: 5321 section 4.1.1.1, and the extension's own.
#pragma once

#include <string_view>

#include "ringpost/smtp/client_session.hpp"

namespace ringpost::smtp {

// `text`: the reply's lines joined by '\n'; the first is the peer's name. Unknown lines are passed over.
Capabilities parse_capabilities(std::string_view text);

}  // namespace ringpost::smtp
