// Finding texts without regard to case, and bytes that are no ASCII.
//
// Layer:   pure. Each function has a scalar twin of the same name in `scan::scalar`.
// Input:   any bytes. Nothing outside the span is read.
// Output:  the offset of the first match, or kNotFound.
#pragma once

#include "ringpost/scan/find.hpp"

namespace ringpost::scan {

// The first byte above 127.
std::size_t find_eight_bit(std::span<const std::byte> bytes);
// The first place where `lower` stands, letters of ASCII in either case; `lower` has none in upper case. An empty one stands
// at 0.
std::size_t find_folded(std::span<const std::byte> bytes, std::string_view lower);

namespace scalar {
std::size_t find_eight_bit(std::span<const std::byte> bytes);
std::size_t find_folded(std::span<const std::byte> bytes, std::string_view lower);
}  // namespace scalar

}  // namespace ringpost::scan
