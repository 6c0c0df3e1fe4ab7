#include "ringpost/crypto/token_key.hpp"

#include <string>
#include <utility>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "ringpost/crypto/keyed_hash.hpp"
#include "ringpost/crypto/limits.hpp"
#include "ringpost/crypto/openssl.hpp"
#include "ringpost/crypto/secret.hpp"

namespace ringpost::crypto {

namespace {

using OwnedDigest = Owned<EVP_MD_CTX, &EVP_MD_CTX_free>;
using OwnedSignature = Owned<ECDSA_SIG, &ECDSA_SIG_free>;

constexpr std::size_t kCurveNumberBytes = 32;  // of P-256

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

class Secret final : public TokenKey {
 public:
  explicit Secret(std::string_view secret) : secret_(secret) {}
  ~Secret() override { wipe(secret_); }
  std::string_view algorithm() const override { return "HS256"; }
  bool signed_by_it(std::string_view text, std::string_view signature) const override {
    return equal_in_constant_time(as_text(hmac_sha256(secret_, text)), signature);
  }

 private:
  std::string secret_;
};

class PublicKey final : public TokenKey {
 public:
  PublicKey(OwnedKey key, bool curve) : key_(std::move(key)), curve_(curve) {}
  std::string_view algorithm() const override { return curve_ ? "ES256" : "RS256"; }
  bool signed_by_it(std::string_view text, std::string_view signature) const override {
    if (!curve_) return verifies(text, signature);
    const std::string der = der_of(signature);
    return !der.empty() && verifies(text, der);
  }

 private:
  bool verifies(std::string_view text, std::string_view signature) const {
    ERR_clear_error();
    const OwnedDigest digest(EVP_MD_CTX_new());
    const bool good = digest != nullptr &&
                      EVP_DigestVerifyInit(digest.get(), nullptr, EVP_sha256(), nullptr, key_.get()) == 1 &&
                      EVP_DigestVerify(digest.get(), bytes_of(signature), signature.size(), bytes_of(text),
                                       text.size()) == 1;
    ERR_clear_error();
    return good;
  }

  // OpenSSL wants the two numbers in DER; "" when they are not two numbers.
  static std::string der_of(std::string_view signature) {
    if (signature.size() != 2 * kCurveNumberBytes) return {};
    const OwnedSignature pair(ECDSA_SIG_new());
    BIGNUM* r = BN_bin2bn(bytes_of(signature), kCurveNumberBytes, nullptr);
    BIGNUM* s = BN_bin2bn(bytes_of(signature.substr(kCurveNumberBytes)), kCurveNumberBytes, nullptr);
    if (pair == nullptr || r == nullptr || s == nullptr || ECDSA_SIG_set0(pair.get(), r, s) != 1) {
      BN_free(r);
      BN_free(s);
      return {};
    }
    unsigned char* der = nullptr;
    const int size = i2d_ECDSA_SIG(pair.get(), &der);
    if (size <= 0) return {};
    std::string text(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
    return text;
  }

  OwnedKey key_;
  bool curve_;
};

constexpr std::size_t kSecretBytesMin = 32;  // RFC 7518 section 3.2
constexpr int kRsaBitsMin = 2048;            // RFC 7518 section 3.3

Result<OwnedKey> read_public_key(std::string_view pem) {
  if (pem.find("-----BEGIN CERTIFICATE-----") != std::string_view::npos) {
    const auto certificates = RP_TRY(read_certificates(pem));
    return OwnedKey(X509_get_pubkey(certificates.front().get()));
  }
  if (pem.find("PRIVATE KEY-----") != std::string_view::npos)
    return fail(ErrorKind::permanent, "this is a private key; tokens are checked with the public one");
  ERR_clear_error();
  const OwnedBio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  OwnedKey key(bio == nullptr ? nullptr : PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
  if (key == nullptr)
    return fail(ErrorKind::permanent, "no public key in PEM: " + take_openssl_error("not readable"));
  return key;
}

bool is_p256(const EVP_PKEY* key) {
  char name[64] = {};
  std::size_t size = 0;
  return EVP_PKEY_get_group_name(key, name, sizeof name, &size) == 1 &&
         std::string_view(name, size) == "prime256v1";
}

}  // namespace

Result<std::unique_ptr<const TokenKey>> TokenKey::make(std::string_view text) {
  if (text.size() > kPemBytesMax) return fail(ErrorKind::permanent, "too large for a key");
  if (text.find("-----BEGIN ") == std::string_view::npos) {
    while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
    if (text.size() < kSecretBytesMin)
      return fail(ErrorKind::permanent, "a shared secret needs at least 32 bytes (RFC 7518)");
    return std::make_unique<const Secret>(text);
  }
  OwnedKey key = RP_TRY(read_public_key(text));
  if (key != nullptr && EVP_PKEY_is_a(key.get(), "RSA") == 1) {
    if (EVP_PKEY_get_bits(key.get()) < kRsaBitsMin)
      return fail(ErrorKind::permanent, "an RSA key for tokens needs at least 2048 bits (RFC 7518)");
    return std::make_unique<const PublicKey>(std::move(key), false);
  }
  if (key != nullptr && EVP_PKEY_is_a(key.get(), "EC") == 1 && is_p256(key.get()))
    return std::make_unique<const PublicKey>(std::move(key), true);
  return fail(ErrorKind::permanent, "only RSA keys and keys of the curve P-256 sign tokens here");
}

}  // namespace ringpost::crypto
