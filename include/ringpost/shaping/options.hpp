// [shaping.default]: how much at once for one destination. All numbers hold for the machine, over all its cores.
//
// Layer: base only.
#pragma once

#include <cstdint>

#include "ringpost/base/options.hpp"

namespace ringpost::shaping {

enum class TlsUse : std::uint8_t { none, opportunistic, required };
constexpr auto option_choices(const TlsUse*) {
  return std::to_array<Choice<TlsUse>>(
      {{"none", TlsUse::none}, {"opportunistic", TlsUse::opportunistic}, {"required", TlsUse::required}});
}

struct ShapingOptions {
  std::uint32_t connection_limit = 20;
  std::uint32_t messages_per_connection = 100;
  std::uint32_t recipients_per_transaction = 100;
  TlsUse tls = TlsUse::opportunistic;
};
const OptionTable& option_table(const ShapingOptions*);

}  // namespace ringpost::shaping
