#include "ringpost/crypto/secret.hpp"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "ringpost/crypto/openssl.hpp"

namespace ringpost::crypto {

bool equal_in_constant_time(std::span<const std::byte> a, std::span<const std::byte> b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return equal_in_constant_time(std::as_bytes(std::span(a)), std::as_bytes(std::span(b)));
}

void wipe(std::span<std::byte> secret) {
  OPENSSL_cleanse(secret.data(), secret.size());
}

void wipe(std::string& secret) {
  // Growing to the capacity moves nothing, and makes the bytes behind the end ours to overwrite.
  secret.resize(secret.capacity());
  wipe(std::as_writable_bytes(std::span(secret)));
  secret.clear();
}

Result<void> random_bytes(std::span<std::byte> out) {
  constexpr std::size_t kAtOnce = 1 << 20;  // the call takes an int
  while (!out.empty()) {
    const auto part = out.first(std::min(out.size(), kAtOnce));
    if (RAND_priv_bytes(reinterpret_cast<unsigned char*>(part.data()), static_cast<int>(part.size())) != 1)
      return fail(ErrorKind::temporary, "random bytes: " + take_openssl_error("no entropy"));
    out = out.subspan(part.size());
  }
  return {};
}

}  // namespace ringpost::crypto
