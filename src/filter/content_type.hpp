// Content-Type as rules expect it: what is missing or broken is text/plain, and parameters are found wherever they stand.
//
// Layer:   private to `filter`.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ringpost::filter {

struct ContentType {
  std::string type = "text/plain";  // lower case
  std::optional<std::string> boundary;
  std::optional<std::string> charset;
  std::optional<std::string> name;
  bool missing = false;
};
// Any text/ but html, x-vcard and calendar is text/plain. `value` is empty for a field that is not there.
ContentType parse_content_type(std::string_view value);

}  // namespace ringpost::filter
