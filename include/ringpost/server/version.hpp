// Layer: program.
#pragma once

#include <string_view>

namespace ringpost::server {

inline constexpr std::string_view kVersion = RINGPOST_VERSION;

}  // namespace ringpost::server
