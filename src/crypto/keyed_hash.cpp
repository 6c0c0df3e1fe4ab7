#include "ringpost/crypto/keyed_hash.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "ringpost/base/assert.hpp"

namespace ringpost::crypto {

namespace {

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

Sha256Digest hmac_sha256(std::string_view key, std::string_view text) {
  Sha256Digest digest;
  // A null key means "the key of before" to OpenSSL: an empty one needs an address.
  const char none = 0;
  const unsigned char* made =
      HMAC(EVP_sha256(), key.empty() ? &none : key.data(), static_cast<int>(key.size()), bytes_of(text),
           text.size(), reinterpret_cast<unsigned char*>(digest.data()), nullptr);
  RP_ASSERT(made != nullptr);
  return digest;
}

Sha256Digest pbkdf2_sha256(std::string_view password, std::string_view salt, std::uint32_t iterations) {
  Sha256Digest digest;
  const int made = PKCS5_PBKDF2_HMAC(
      password.empty() ? "" : password.data(), static_cast<int>(password.size()), bytes_of(salt),
      static_cast<int>(salt.size()), static_cast<int>(iterations), EVP_sha256(),
      static_cast<int>(digest.size()), reinterpret_cast<unsigned char*>(digest.data()));
  RP_ASSERT(made == 1);
  return digest;
}

}  // namespace ringpost::crypto
