// The settings of SpamAssassin 4.0.1 that are no rules: each with the kind of its value, so that a wrong one is named at its line
// instead of being taken for the default later.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "ringpost/base/result.hpp"

#include "known.hpp"

namespace ringpost::filter {

enum class ValueKind : std::uint8_t {
  any,
  nothing,  // stands alone
  text,     // something
  words,    // one or more
  two_words,
  three_words,
  four_words,
  two_words_or_more,
  one_or_two_words,
  truth,
  number,
  count,  // a whole number, 0 or more
  seconds,
  dns_timeout,  // seconds, the least of them, a zone
  dns_available,
  networks,
  field_name,
  named_list,  // (NAME) word ...
  pattern,
  token_sources
};

struct SettingEntry {
  std::string_view key;
  ValueKind kind = ValueKind::any;
  Known known = Known::used;
};

// A key in today's spelling; `unknown` when there is no such setting.
SettingEntry setting_entry(std::string_view key);
std::vector<std::string_view> setting_names();
// What is wrong with the value, in words that follow the key.
Result<void> check_value(ValueKind kind, std::string_view value);

}  // namespace ringpost::filter
