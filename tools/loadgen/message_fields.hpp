// The header fields by which a message of the generator is known again.
//
// Layer: tool.
#pragma once

#include <string_view>

namespace ringpost::loadgen {

inline constexpr std::string_view kIdField = "X-Loadgen-Id";
inline constexpr std::string_view kChecksumField = "X-Loadgen-Checksum";  // CRC-32C of the body
inline constexpr std::string_view kSentField = "X-Loadgen-Sent";  // intended start, nanoseconds since 1970

}  // namespace ringpost::loadgen
