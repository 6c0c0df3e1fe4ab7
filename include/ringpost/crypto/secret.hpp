// What secrets need: comparing without telling where they differ, wiping, and bytes that nobody can guess.
//
// Layer:  pure but for random_bytes, which asks the system. Protocol randomness comes from the io backend instead, so
//         that a simulated run repeats; these bytes are for keys, passwords and serial numbers only.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "ringpost/base/result.hpp"

namespace ringpost::crypto {

// Takes the same time wherever they differ. The lengths are not secret.
bool equal_in_constant_time(std::span<const std::byte> a, std::span<const std::byte> b);
bool equal_in_constant_time(std::string_view a, std::string_view b);

// Overwrites with zeros in a way that the compiler does not remove.
void wipe(std::span<std::byte> secret);
// Wipes the whole capacity, then empties it.
void wipe(std::string& secret);

// Fills `out` from the system's generator. Fails only when that has no entropy, at boot.
Result<void> random_bytes(std::span<std::byte> out);

}  // namespace ringpost::crypto
