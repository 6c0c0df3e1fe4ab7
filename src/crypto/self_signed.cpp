#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "ringpost/base/address.hpp"
#include "ringpost/crypto/certificate.hpp"
#include "ringpost/crypto/limits.hpp"
#include "ringpost/crypto/openssl.hpp"
#include "ringpost/crypto/secret.hpp"

#include "names.hpp"

namespace ringpost::crypto {

namespace {

using Names = Owned<GENERAL_NAMES, &GENERAL_NAMES_free>;

std::unexpected<Error> failed(std::string_view doing) {
  return fail(ErrorKind::permanent, fmt::format("{}: {}", doing, take_openssl_error("out of memory")));
}

bool add_name(GENERAL_NAMES* names, std::string_view name) {
  const auto address = parse_address(name);
  Owned<GENERAL_NAME, &GENERAL_NAME_free> entry(GENERAL_NAME_new());
  Owned<ASN1_STRING, &ASN1_STRING_free> text(
      ASN1_STRING_type_new(address ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING));
  if (entry == nullptr || text == nullptr) return false;
  const std::string host = lower_case(name);
  const auto value = address ? std::as_bytes(address->octets()) : std::as_bytes(std::span(host));
  if (ASN1_STRING_set(text.get(), value.data(), static_cast<int>(value.size())) != 1) return false;
  GENERAL_NAME_set0_value(entry.get(), address ? GEN_IPADD : GEN_DNS, text.release());
  if (sk_GENERAL_NAME_push(names, entry.get()) <= 0) return false;
  (void)entry.release();
  return true;
}

// The common name first, then the others, each once.
Result<std::vector<std::string>> all_names(const SelfSignedRequest& request) {
  std::vector<std::string> all{request.common_name};
  for (const std::string& name : request.names)
    if (std::ranges::find(all, name) == all.end()) all.push_back(name);
  if (all.size() > kSelfSignedNamesMax)
    return fail(ErrorKind::permanent, fmt::format("over {} names", kSelfSignedNamesMax));
  for (const std::string& name : all)
    if (!parse_address(name) && !is_dns_name(name))
      return fail(ErrorKind::permanent, fmt::format("\"{}\" is neither a host name nor an IP address", name));
  return all;
}

bool add_extension(X509* certificate, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const Owned<X509_EXTENSION, &X509_EXTENSION_free> extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  return extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool set_serial(X509* certificate) {
  // Unique without a register: 127 random bits (RFC 5280 section 4.1.2.2 allows 20 octets, positive).
  std::array<std::byte, 16> bytes;
  if (!random_bytes(bytes)) return false;
  bytes[0] = (bytes[0] & std::byte{0x7f}) | std::byte{0x40};
  const Owned<BIGNUM, &BN_free> number(
      BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), nullptr));
  return number != nullptr && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_validity(X509* certificate, const SelfSignedRequest& request) {
  const WallTime end = request.not_before + request.valid_for;
  return ASN1_TIME_set(X509_getm_notBefore(certificate), request.not_before.seconds()) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(certificate), end.seconds()) != nullptr;
}

bool set_subject(X509* certificate, const std::string& common_name) {
  X509_NAME* subject = X509_get_subject_name(certificate);
  if (common_name.size() <= kCommonNameBytesMax &&
      X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(common_name.data()),
                                 static_cast<int>(common_name.size()), -1, 0) != 1)
    return false;
  return X509_set_issuer_name(certificate, subject) == 1;
}

bool set_extensions(X509* certificate, std::span<const std::string> names) {
  const Names alternatives(GENERAL_NAMES_new());
  if (alternatives == nullptr) return false;
  for (const std::string& name : names)
    if (!add_name(alternatives.get(), name)) return false;
  return add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
         add_extension(certificate, NID_key_usage, "critical,digitalSignature") &&
         add_extension(certificate, NID_ext_key_usage, "serverAuth") &&
         add_extension(certificate, NID_subject_key_identifier, "hash") &&
         X509_add1_ext_i2d(certificate, NID_subject_alt_name, alternatives.get(), 0, X509V3_ADD_DEFAULT) == 1;
}

Result<std::string> to_pem(X509* certificate, EVP_PKEY* key) {
  const OwnedBio out(BIO_new(BIO_s_secmem()));
  const bool good = out != nullptr &&
                    (certificate != nullptr ? PEM_write_bio_X509(out.get(), certificate)
                                            : PEM_write_bio_PKCS8PrivateKey(out.get(), key, nullptr, nullptr,
                                                                            0, nullptr, nullptr)) == 1;
  if (!good) return failed("write PEM");
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return std::string(text, static_cast<std::size_t>(size));
}

}  // namespace

Result<CertificateAndKey> make_self_signed(const SelfSignedRequest& request) {
  ERR_clear_error();
  const auto names = RP_TRY(all_names(request));
  if (request.valid_for <= Duration::zero()) return fail(ErrorKind::permanent, "a validity of no time");
  const OwnedKey key(EVP_EC_gen("P-256"));
  if (key == nullptr) return failed("generate key");
  const OwnedCertificate certificate(X509_new());
  if (certificate == nullptr || X509_set_version(certificate.get(), X509_VERSION_3) != 1 ||
      !set_serial(certificate.get()) || !set_validity(certificate.get(), request) ||
      !set_subject(certificate.get(), request.common_name) ||
      X509_set_pubkey(certificate.get(), key.get()) != 1 || !set_extensions(certificate.get(), names))
    return failed("fill in certificate");
  if (X509_sign(certificate.get(), key.get(), EVP_sha256()) == 0) return failed("sign certificate");
  return CertificateAndKey{RP_TRY(to_pem(certificate.get(), nullptr)), RP_TRY(to_pem(nullptr, key.get()))};
}

}  // namespace ringpost::crypto
