// Content-Type, Content-Disposition and their like: a value and its parameters.
//
// Layer:   private to `mail`. Tolerant: comments anywhere, quotes missing, semicolons doubled.
// Limits:  kMimeParametersMax.
// RFCs:    2045 section 5.1, 2183, 2231.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ringpost::mail {

struct OwnedParameter {
  std::string name;
  std::string value;
  bool extended = false;
};

struct ParameterField {
  std::string
      value;  // "multipart/mixed", "attachment": up to the first semicolon, without blanks and comments
  std::vector<OwnedParameter> parameters;

  // The value of the first of that name, any case; nullptr for none.
  const std::string* find(std::string_view name) const;
};
// `field` is a field's value, folded or not.
ParameterField parse_parameter_field(std::string_view field);

// "text" "plain"; both empty when it is broken.
struct MediaType {
  std::string_view type;
  std::string_view subtype;
};
MediaType split_media_type(std::string_view value);

// A comma-separated list of tokens: Content-Language.
std::vector<std::string> parse_token_list(std::string_view field);
// Blanks and comments off both ends, and comments inside dropped: "(x) 7bit (y)" is 7bit.
std::string without_comments(std::string_view field);

}  // namespace ringpost::mail
