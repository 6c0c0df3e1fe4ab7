#include "ringpost/crypto/openssl.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "ringpost/crypto/limits.hpp"

namespace ringpost::crypto {

std::string take_openssl_error(std::string_view otherwise) {
  const unsigned long code = ERR_get_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  std::string text(reason != nullptr ? std::string_view(reason) : otherwise);
  ERR_clear_error();
  return text;
}

namespace {

Result<OwnedBio> reader(std::string_view pem) {
  if (pem.size() > kPemBytesMax)
    return fail(ErrorKind::permanent, fmt::format("over {} bytes", kPemBytesMax));
  ERR_clear_error();
  OwnedBio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (bio == nullptr) return fail(ErrorKind::exhausted, "out of memory");
  return bio;
}

// Called only for a key under a passphrase.
int refuse_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

// The end of a PEM text shows as a missing start line.
bool at_end() {
  const unsigned long code = ERR_peek_last_error();
  return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}

std::string no_certificate(std::string_view pem) {
  if (pem.empty()) return "is empty";
  if (pem.contains("PRIVATE KEY-----")) return "holds a private key and no certificate: are the two swapped?";
  return "holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)";
}

std::string no_key(std::string_view pem) {
  if (pem.empty()) return "is empty";
  if (pem.contains("-----BEGIN CERTIFICATE-----"))
    return "holds a certificate and no private key: are the two swapped?";
  return "holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)";
}

}  // namespace

Result<std::vector<OwnedCertificate>> read_certificates(std::string_view pem) {
  const OwnedBio bio = RP_TRY(reader(pem));
  std::vector<OwnedCertificate> certificates;
  while (OwnedCertificate one{PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)}) {
    if (certificates.size() == kCertificatesMax)
      return fail(ErrorKind::permanent, fmt::format("holds over {} certificates", kCertificatesMax));
    certificates.push_back(std::move(one));
  }
  if (!at_end()) {
    return fail(ErrorKind::permanent, fmt::format("certificate {} is damaged ({})", certificates.size() + 1,
                                                  take_openssl_error("unreadable")));
  }
  ERR_clear_error();
  if (certificates.empty()) return fail(ErrorKind::permanent, no_certificate(pem));
  return certificates;
}

Result<OwnedKey> read_private_key(std::string_view pem) {
  const OwnedBio bio = RP_TRY(reader(pem));
  bool asked = false;
  OwnedKey key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &refuse_passphrase, &asked));
  if (key != nullptr) {
    ERR_clear_error();
    return key;
  }
  // The decoder's error differs with what it tried, so the text itself says whether a key was meant.
  const bool missing = !pem.contains("PRIVATE KEY-----");
  const std::string reason = take_openssl_error("unreadable");
  if (asked) {
    return fail(ErrorKind::permanent,
                "the key is under a passphrase; write it without one: openssl pkey -in OLD -out NEW");
  }
  if (missing) return fail(ErrorKind::permanent, no_key(pem));
  return fail(ErrorKind::permanent, fmt::format("the private key is damaged ({})", reason));
}

}  // namespace ringpost::crypto
