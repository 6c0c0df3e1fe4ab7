// CRC-32C (Castagnoli), the checksum of frames, records and bodies.
//
// Layer:   pure. The fast form uses the CPU's instruction where the build has it; the scalar twin is always there.
// RFCs:    3720 appendix B.4 (test vectors).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace ringpost::scan {

// The CRC of `bytes` that follow bytes whose CRC is `seed`: crc32c(b, crc32c(a)) is the CRC of a then b.
// The CRC of nothing is 0, and that of "123456789" is 0xE3069283.
std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t seed = 0);

// The same, and copies `from` to `to` (which do not overlap) on the way: one look at the memory in place of two.
std::uint32_t crc32c_copy(std::byte* to, std::span<const std::byte> from, std::uint32_t seed = 0);

// The first, byte by byte through a table.
std::uint32_t crc32c_scalar(std::span<const std::byte> bytes, std::uint32_t seed = 0);

// The CRC of a then b from the CRC of each and the size of b in bytes. Takes about a microsecond.
std::uint32_t crc32c_combine(std::uint32_t crc_a, std::uint32_t crc_b, std::uint64_t size_b);

}  // namespace ringpost::scan
