// replace_tag, replace_pre, replace_inter and replace_post: the letters of FUZZY rules, written once and put in many times.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "ringpost/base/result.hpp"

namespace ringpost::filter {

struct ReplaceTags {
  using Texts = std::map<std::string, std::string, std::less<>>;
  Texts tags, before, between, after;
  std::string start = "<", end = ">";

  // The expression with its tags replaced; an error when it grows beyond what an expression may have.
  Result<std::string> apply(std::string_view expression) const;
};

}  // namespace ringpost::filter
