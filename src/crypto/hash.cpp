#include "ringpost/crypto/hash.hpp"

#include <openssl/evp.h>

#include "ringpost/base/assert.hpp"
#include "ringpost/crypto/openssl.hpp"

namespace ringpost::crypto {

struct Sha256::Context {
  Owned<EVP_MD_CTX, &EVP_MD_CTX_free> md{EVP_MD_CTX_new()};
};

Sha256::Sha256() : context_(std::make_unique<Context>()) {
  RP_ASSERT(context_->md != nullptr);
  RP_ASSERT(EVP_DigestInit_ex(context_->md.get(), EVP_sha256(), nullptr) == 1);
}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::update(std::span<const std::byte> bytes) {
  RP_ASSERT(EVP_DigestUpdate(context_->md.get(), bytes.data(), bytes.size()) == 1);
}

void Sha256::update(std::string_view text) {
  update(std::as_bytes(std::span(text)));
}

Sha256Digest Sha256::finish() {
  Sha256Digest digest;
  unsigned size = 0;
  RP_ASSERT(EVP_DigestFinal_ex(context_->md.get(), reinterpret_cast<unsigned char*>(digest.data()), &size) ==
            1);
  RP_ASSERT(size == digest.size());
  reset();
  return digest;
}

void Sha256::reset() {
  // Without a type the context keeps the one that it has, and looks nothing up.
  RP_ASSERT(EVP_DigestInit_ex(context_->md.get(), nullptr, nullptr) == 1);
}

Sha256Digest sha256(std::span<const std::byte> bytes) {
  Sha256Digest digest;
  unsigned size = 0;
  RP_ASSERT(EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()), &size,
                       EVP_sha256(), nullptr) == 1);
  RP_ASSERT(size == digest.size());
  return digest;
}

Sha256Digest sha256(std::string_view text) {
  return sha256(std::as_bytes(std::span(text)));
}

struct Sha1::Context {
  Owned<EVP_MD_CTX, &EVP_MD_CTX_free> md{EVP_MD_CTX_new()};
};

Sha1::Sha1() : context_(std::make_unique<Context>()) {
  RP_ASSERT(context_->md != nullptr);
  RP_ASSERT(EVP_DigestInit_ex(context_->md.get(), EVP_sha1(), nullptr) == 1);
}
Sha1::Sha1(Sha1&&) noexcept = default;
Sha1& Sha1::operator=(Sha1&&) noexcept = default;
Sha1::~Sha1() = default;

Sha1Digest Sha1::of(std::string_view text) {
  Sha1Digest digest;
  unsigned size = 0;
  RP_ASSERT(EVP_DigestInit_ex(context_->md.get(), nullptr, nullptr) == 1);
  RP_ASSERT(EVP_DigestUpdate(context_->md.get(), text.data(), text.size()) == 1);
  RP_ASSERT(EVP_DigestFinal_ex(context_->md.get(), reinterpret_cast<unsigned char*>(digest.data()), &size) ==
            1);
  RP_ASSERT(size == digest.size());
  return digest;
}

std::string to_hex(std::span<const std::byte> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::byte byte : bytes) {
    text += kDigits[std::to_integer<std::size_t>(byte >> 4)];
    text += kDigits[std::to_integer<std::size_t>(byte & std::byte{15})];
  }
  return text;
}

}  // namespace ringpost::crypto
