#include <ctime>
#include <limits>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "ringpost/base/address.hpp"
#include "ringpost/crypto/certificate.hpp"
#include "ringpost/crypto/hash.hpp"
#include "ringpost/crypto/openssl.hpp"

#include "names.hpp"

namespace ringpost::crypto {

namespace {

std::string name_text(const X509_NAME* name) {
  const OwnedBio out(BIO_new(BIO_s_mem()));
  if (out == nullptr) return {};
  // RFC 2253's escapes, so that no control character reaches a log, but UTF-8 left as it is.
  constexpr unsigned long kFlags =
      (ASN1_STRFLGS_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB)) | XN_FLAG_SEP_CPLUS_SPC |
      XN_FLAG_FN_SN;
  X509_NAME_print_ex(out.get(), name, 0, kFlags);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return size > 0 ? std::string(text, static_cast<std::size_t>(size)) : std::string();
}

WallTime wall_time(const ASN1_TIME* time) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  const std::int64_t seconds = timegm(&parts);
  // "No end" is the year 9999 (RFC 5280 section 4.1.2.5), which nanoseconds in 64 bits do not reach.
  if (seconds > std::numeric_limits<std::int64_t>::max() / kSecond)
    return {std::numeric_limits<std::int64_t>::max()};
  if (seconds < std::numeric_limits<std::int64_t>::min() / kSecond)
    return {std::numeric_limits<std::int64_t>::min()};
  return {seconds * kSecond};
}

std::string key_text(X509* certificate) {
  EVP_PKEY* key = X509_get0_pubkey(certificate);
  if (key == nullptr) return "unknown";
  std::array<char, 80> group{};
  std::size_t size = 0;
  if (EVP_PKEY_is_a(key, "EC") == 1 && EVP_PKEY_get_group_name(key, group.data(), group.size(), &size) == 1)
    return fmt::format("EC {}", std::string_view(group.data(), size));
  const char* type = EVP_PKEY_get0_type_name(key);
  return fmt::format("{} {} bits", type != nullptr ? type : "unknown", EVP_PKEY_get_bits(key));
}

std::string_view view(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

// Of 4 or 16 octets; "" for any other number.
std::string address_text(std::string_view octets) {
  std::array<std::uint8_t, 16> copy{};
  std::memcpy(copy.data(), octets.data(), std::min(octets.size(), copy.size()));
  if (octets.size() == 4) return to_string(IpAddress::ipv4(copy[0], copy[1], copy[2], copy[3]));
  return octets.size() == 16 ? to_string(IpAddress::ipv6(copy)) : std::string();
}

std::vector<std::string> alternative_names(X509* certificate) {
  const Owned<GENERAL_NAMES, &GENERAL_NAMES_free> all(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  std::vector<std::string> names;
  for (int i = 0; i < sk_GENERAL_NAME_num(all.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(all.get(), i);
    if (name->type == GEN_DNS) {
      names.push_back(lower_case(view(name->d.dNSName)));
    } else if (name->type == GEN_IPADD) {
      names.push_back(address_text(view(name->d.iPAddress)));
    }
  }
  std::erase_if(names, [](const std::string& name) { return name.empty() || name.contains('\0'); });
  return names;
}

// Certificates from before alternative names carry their host as the common name.
std::string common_name(X509* certificate) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return {};
  const std::string name = lower_case(view(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))));
  return is_dns_name(name) ? name : std::string();
}

std::string fingerprint(X509* certificate) {
  Sha256Digest digest{};
  unsigned size = 0;
  X509_digest(certificate, EVP_sha256(), reinterpret_cast<unsigned char*>(digest.data()), &size);
  return to_hex(digest);
}

}  // namespace

bool CertificateInfo::covers(std::string_view host) const {
  if (const auto address = parse_address(host))
    return std::ranges::find(names, to_string(*address)) != names.end();
  const std::string wanted = lower_case(host.ends_with('.') ? host.substr(0, host.size() - 1) : host);
  return std::ranges::any_of(names, [&](const std::string& name) { return matches_dns_name(name, wanted); });
}

Result<CertificateInfo> certificate_info(std::string_view pem) {
  const auto certificates = RP_TRY(read_certificates(pem));
  X509* certificate = certificates.front().get();
  CertificateInfo info;
  info.subject = name_text(X509_get_subject_name(certificate));
  info.issuer = name_text(X509_get_issuer_name(certificate));
  info.names = alternative_names(certificate);
  if (info.names.empty())
    if (std::string name = common_name(certificate); !name.empty()) info.names.push_back(std::move(name));
  info.not_before = wall_time(X509_get0_notBefore(certificate));
  info.not_after = wall_time(X509_get0_notAfter(certificate));
  info.key = key_text(certificate);
  info.sha256 = fingerprint(certificate);
  info.self_signed = X509_self_signed(certificate, 0) == 1;
  ERR_clear_error();
  return info;
}

}  // namespace ringpost::crypto
