// Response lines that end in text.
//
// Layer:   private to `imap`.
#pragma once

#include <string>
#include <string_view>

#include "ringpost/imap/status_response.hpp"

namespace ringpost::imap {

// "tag OK [CODE] text".
void append_status(std::string_view tag, const StatusResponse& response, std::string& out);
// Text, with blanks for what would end the line.
void append_line_text(std::string_view text, std::string& out);

}  // namespace ringpost::imap
