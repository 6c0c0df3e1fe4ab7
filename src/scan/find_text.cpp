#include "ringpost/scan/find_text.hpp"

#include <bit>
#include <cstdint>

#include "block.hpp"

namespace ringpost::scan {

namespace {

constexpr bool is_lower_letter(char c) {
  return c >= 'a' && c <= 'z';
}
constexpr char upper(char c) {
  return is_lower_letter(c) ? static_cast<char>(c - 'a' + 'A') : c;
}

// Of `lower` there are as many bytes at `place`.
bool stands_at(const std::byte* place, std::string_view lower) {
  for (std::size_t i = 0; i < lower.size(); ++i) {
    const char c = static_cast<char>(place[i]);
    if (c != lower[i] && c != upper(lower[i])) return false;
  }
  return true;
}

}  // namespace

namespace scalar {

std::size_t find_eight_bit(std::span<const std::byte> bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i)
    if (bytes[i] > std::byte{127}) return i;
  return kNotFound;
}

std::size_t find_folded(std::span<const std::byte> bytes, std::string_view lower) {
  for (std::size_t i = 0; i + lower.size() <= bytes.size(); ++i)
    if (stands_at(bytes.data() + i, lower)) return i;
  return kNotFound;
}

}  // namespace scalar

#ifdef __AVX2__

namespace {

std::size_t at(std::size_t offset, std::size_t found) {
  return found == kNotFound ? kNotFound : offset + found;
}

}  // namespace

std::size_t find_eight_bit(std::span<const std::byte> bytes) {
  std::size_t i = 0;
  for (; bytes.size() - i >= kBlockSize; i += kBlockSize)
    if (const std::uint64_t found = Block::load(bytes.data() + i).eight_bit(); found != 0)
      return i + static_cast<std::size_t>(std::countr_zero(found));
  return at(i, scalar::find_eight_bit(bytes.subspan(i)));
}

namespace {

std::uint64_t either_case(const Block& block, char lower) {
  return is_lower_letter(lower) ? block.equal(lower) | block.equal(upper(lower)) : block.equal(lower);
}

}  // namespace

// Where both its first and its last byte are in place the rest is looked at.
std::size_t find_folded(std::span<const std::byte> bytes, std::string_view lower) {
  if (lower.empty()) return 0;
  const std::size_t last = lower.size() - 1;
  std::size_t i = 0;
  for (; bytes.size() >= last + kBlockSize && i <= bytes.size() - last - kBlockSize; i += kBlockSize) {
    std::uint64_t places = either_case(Block::load(bytes.data() + i), lower.front()) &
                           either_case(Block::load(bytes.data() + i + last), lower.back());
    for (; places != 0; places &= places - 1) {
      const std::size_t place = i + static_cast<std::size_t>(std::countr_zero(places));
      if (stands_at(bytes.data() + place, lower)) return place;
    }
  }
  return at(i, scalar::find_folded(bytes.subspan(i), lower));
}

#else

std::size_t find_eight_bit(std::span<const std::byte> bytes) {
  return scalar::find_eight_bit(bytes);
}
std::size_t find_folded(std::span<const std::byte> bytes, std::string_view lower) {
  return scalar::find_folded(bytes, lower);
}

#endif

}  // namespace ringpost::scan
