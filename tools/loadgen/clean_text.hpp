// Makes text of a peer fit for a terminal, a JSON file and a page: once, where it is noted.
//
// Layer: tool, pure.
// Limits: kPeerTextMax; what is longer ends in "...".
#pragma once

#include <string>
#include <string_view>

namespace ringpost::loadgen {

// UTF-8, with U+FFFD for bytes that are none, and controls (an escape sequence begins with one) written as "\x1b".
std::string clean_text(std::string_view text);

}  // namespace ringpost::loadgen
