#include "ringpost/scan/find.hpp"

#include <bit>
#include <cstdint>
#include <cstring>

#include "block.hpp"

namespace ringpost::scan {

namespace scalar {

std::size_t find_byte(std::span<const std::byte> bytes, std::byte wanted) {
  for (std::size_t i = 0; i < bytes.size(); ++i)
    if (bytes[i] == wanted) return i;
  return kNotFound;
}

std::size_t find_crlf(std::span<const std::byte> bytes) {
  for (std::size_t i = 0; i + 1 < bytes.size(); ++i)
    if (bytes[i] == std::byte{'\r'} && bytes[i + 1] == std::byte{'\n'}) return i;
  return kNotFound;
}

std::size_t find_line_end(std::span<const std::byte> bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i)
    if (bytes[i] == std::byte{'\r'} || bytes[i] == std::byte{'\n'}) return i;
  return kNotFound;
}

}  // namespace scalar

namespace {

std::size_t at(std::size_t offset, std::size_t found) {
  return found == kNotFound ? kNotFound : offset + found;
}

}  // namespace

// The C library's is vectorised and chosen for the CPU at hand.
std::size_t find_byte(std::span<const std::byte> bytes, std::byte wanted) {
  if (bytes.empty()) return kNotFound;
  const void* found = std::memchr(bytes.data(), std::to_integer<int>(wanted), bytes.size());
  return found == nullptr ? kNotFound
                          : static_cast<std::size_t>(static_cast<const std::byte*>(found) - bytes.data());
}

#ifdef __AVX2__

std::size_t find_crlf(std::span<const std::byte> bytes) {
  std::size_t i = 0;
  // One more byte than a block: the LF of a CR in its last place.
  for (; bytes.size() - i > kBlockSize; i += kBlockSize) {
    const std::uint64_t pairs =
        Block::load(bytes.data() + i).equal('\r') & Block::load(bytes.data() + i + 1).equal('\n');
    if (pairs != 0) return i + static_cast<std::size_t>(std::countr_zero(pairs));
  }
  return at(i, scalar::find_crlf(bytes.subspan(i)));
}

std::size_t find_line_end(std::span<const std::byte> bytes) {
  std::size_t i = 0;
  for (; bytes.size() - i >= kBlockSize; i += kBlockSize) {
    const Block block = Block::load(bytes.data() + i);
    const std::uint64_t ends = block.equal('\r') | block.equal('\n');
    if (ends != 0) return i + static_cast<std::size_t>(std::countr_zero(ends));
  }
  return at(i, scalar::find_line_end(bytes.subspan(i)));
}

#else

std::size_t find_crlf(std::span<const std::byte> bytes) {
  return scalar::find_crlf(bytes);
}
std::size_t find_line_end(std::span<const std::byte> bytes) {
  return scalar::find_line_end(bytes);
}

#endif

}  // namespace ringpost::scan
