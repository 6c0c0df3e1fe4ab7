// Addresses and names in From, To and their like, read as rules want them: anything that may be one.
//
// Layer:   private to `filter`. mail::parse_address_list is for delivery, and stricter.
// Limits:  kFieldAddressesMax.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ringpost::filter {

struct FieldAddress {
  std::optional<std::string> phrase;   // the name, or else a comment; encoded words as they are
  std::optional<std::string> address;  // user@host
};
std::vector<FieldAddress> parse_field_addresses(std::string_view value);

}  // namespace ringpost::filter
