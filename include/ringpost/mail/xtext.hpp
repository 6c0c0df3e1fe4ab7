// xtext: how DSN parameters carry any text.
//
// Layer:   pure.
// RFCs:    3461 section 4 (xtext), 6533 section 3 (utf-8-addr-xtext).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ringpost::mail {

// '+', '=', and what is not printable ASCII become "+XX".
void append_xtext(std::string_view text, std::string& out);
std::string xtext(std::string_view text);
// nullopt when it is not xtext.
std::optional<std::string> decode_xtext(std::string_view text);

// An ORCPT value: "rfc822;user+2Btag@example.com" or "utf-8;\x{C3}...".
struct OriginalRecipient {
  std::string type;     // "rfc822", "utf-8", or what it says; lower case
  std::string address;  // decoded
};
std::optional<OriginalRecipient> parse_orcpt(std::string_view value);
// What to send with an address that had no ORCPT: "rfc822;" or "utf-8;" and the address encoded.
std::string make_orcpt(std::string_view address, bool smtputf8);

}  // namespace ringpost::mail
