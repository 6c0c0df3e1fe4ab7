// The addresses of From, To, Cc and Bcc fields, and display names.
//
// Layer:   pure. Tolerant: a field that people really send is read; what cannot be is skipped and counted.
// RFCs:    5322 sections 3.4 and 4.4 (obsolete forms), 2047 (encoded words), 6532 (UTF-8).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ringpost::mail {

struct HeaderAddress {
  std::string address;       // canonical, or a bare local part
  std::string display_name;  // decoded to UTF-8; empty when there was none
  std::string group;  // "undisclosed-recipients" of "undisclosed-recipients:;"; empty outside of groups
};

struct HeaderAddressList {
  std::vector<HeaderAddress> addresses;
  std::size_t refused = 0;  // entries that are no address
  bool truncated = false;   // more than kHeaderAddressesMax
};

// `value` is a field's value, folded or not.
HeaderAddressList parse_address_list(std::string_view value);

// "=?utf-8?q?J=C3=B6rg?=" in UTF-8. Words in a charset that does not exist, or that they are not in, stay as they are.
std::string decode_encoded_words(std::string_view text);
// A word or phrase as it may stand before <address>: bare, quoted, or encoded (base64, UTF-8) when it is not ASCII.
std::string encode_display_name(std::string_view name);

}  // namespace ringpost::mail
