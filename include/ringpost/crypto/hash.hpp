// SHA-256, in one call or in pieces, SHA-1 for names, and hexadecimal text.
//
// Layer:  pure. No I/O, clock, log.
// Owner:  whoever holds it; a Sha256 stays with one core at a time.
// RFCs:   FIPS 180-4.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace ringpost::crypto {

inline constexpr std::size_t kSha256Bytes = 32;
using Sha256Digest = std::array<std::byte, kSha256Bytes>;

Sha256Digest sha256(std::span<const std::byte> bytes);
Sha256Digest sha256(std::string_view text);

// Hashes what it is fed. Keep one and use it again: making it allocates, reset() does not.
class Sha256 {
 public:
  Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();

  void update(std::span<const std::byte> bytes);
  void update(std::string_view text);
  // The digest of all bytes since construction or the last finish(); ready for the next text afterwards.
  Sha256Digest finish();
  // Forgets what was fed.
  void reset();

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// SHA-1 names things that others name so (the tokens of Bayes, ids of messages); it proves nothing to anybody.
inline constexpr std::size_t kSha1Bytes = 20;
using Sha1Digest = std::array<std::byte, kSha1Bytes>;
// Keep one for many short texts: making it allocates, of() does not.
class Sha1 {
 public:
  Sha1();
  Sha1(Sha1&&) noexcept;
  Sha1& operator=(Sha1&&) noexcept;
  ~Sha1();
  Sha1Digest of(std::string_view text);

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

// Lower-case hexadecimal digits, two for each byte.
std::string to_hex(std::span<const std::byte> bytes);

}  // namespace ringpost::crypto
