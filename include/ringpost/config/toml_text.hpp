// TOML text to an OptionValue tree, with every syntax error and not only the first.
//
// Layer: pure; the one place that knows the TOML library. A broken statement is reported, blanked out and the rest is
//        read again, so that one missing quote does not hide what else is wrong.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/base/option_value.hpp"

namespace ringpost::config {

struct SyntaxError {
  std::uint32_t line = 0;
  std::string key;
  std::string message;
  std::string mend;
};

struct TomlText {
  OptionValue root{.value = OptionValue::Table{}};  // sources carry the `file` given
  std::vector<SyntaxError> errors;
  bool complete = true;  // false: statements were set aside, so that a missing key may be one of them
};

TomlText read_toml(std::string_view text, std::uint32_t file);

}  // namespace ringpost::config
