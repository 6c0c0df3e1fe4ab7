#include "identity.hpp"

#include <openssl/err.h>

namespace ringpost::tls {

std::string_view certificate_place(const Identity& identity) {
  return identity.certificate_path.empty() ? "certificate" : std::string_view(identity.certificate_path);
}

namespace {

std::string_view key_place(const Identity& identity) {
  return identity.key_path.empty() ? "key" : std::string_view(identity.key_path);
}

std::string mismatch(const Identity& identity, std::span<const crypto::OwnedCertificate> certificates,
                     EVP_PKEY* key) {
  for (std::size_t i = 1; i < certificates.size(); ++i) {
    if (X509_check_private_key(certificates[i].get(), key) != 1) continue;
    return fmt::format("{}: the server's own certificate must come first; it is number {} in the file",
                       certificate_place(identity), i + 1);
  }
  return fmt::format(
      "{}: this key does not belong to the certificate in {}; use the key that it was requested with",
      key_place(identity), certificate_place(identity));
}

Result<LoadedIdentity> load(const Identity& identity) {
  auto certificates = crypto::read_certificates(identity.certificate_pem);
  if (!certificates) return fail(std::move(certificates).error().in(certificate_place(identity)));
  auto key = crypto::read_private_key(identity.key_pem);
  if (!key) return fail(std::move(key).error().in(key_place(identity)));
  const bool matches = X509_check_private_key(certificates->front().get(), key->get()) == 1;
  ERR_clear_error();
  if (!matches) {
    std::string text = mismatch(identity, *certificates, key->get());
    ERR_clear_error();
    return fail(ErrorKind::permanent, std::move(text));
  }

  LoadedIdentity loaded;
  loaded.issuers.reset(sk_X509_new_null());
  for (std::size_t i = 1; i < certificates->size(); ++i) {
    if (loaded.issuers == nullptr || sk_X509_push(loaded.issuers.get(), (*certificates)[i].get()) == 0)
      return fail(ErrorKind::exhausted, "out of memory");
    (*certificates)[i].release();
  }
  loaded.certificate = std::move(certificates->front());
  loaded.key = std::move(*key);
  return loaded;
}

// A key too short for OpenSSL's security level shows only when a context takes it.
Result<void> try_out(SSL_CTX* context, const LoadedIdentity& loaded, const Identity& identity) {
  if (SSL_CTX_use_cert_and_key(context, loaded.certificate.get(), loaded.key.get(), loaded.issuers.get(),
                               1) == 1)
    return {};
  return fail(ErrorKind::permanent, fmt::format("{}: cannot be used: {}; get a certificate with a newer key",
                                                certificate_place(identity), take_tls_error(nullptr)));
}

bool is_server_name(std::string_view name) {
  if (name.starts_with("*.")) name.remove_prefix(2);
  return !name.empty() && name.size() <= 253 && !name.starts_with('.') && !name.ends_with('.') &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.") == std::string_view::npos;
}

}  // namespace

const LoadedIdentity* LoadedIdentities::find(std::string_view name) const {
  if (names.empty()) return nullptr;
  const std::string wanted = lower_case(name.ends_with('.') ? name.substr(0, name.size() - 1) : name);
  if (const auto exact = names.find(wanted); exact != names.end()) return &exact->second;
  const std::size_t dot = wanted.find('.');
  if (dot == std::string::npos) return nullptr;
  const auto wildcard = names.find("*" + wanted.substr(dot));
  return wildcard != names.end() ? &wildcard->second : nullptr;
}

Result<LoadedIdentities> load_identities(const ServerSettings& settings) {
  if (settings.names.size() > kServerNamesMax)
    return fail(ErrorKind::permanent, fmt::format("over {} names with a certificate", kServerNamesMax));
  const Engine scratch =
      RP_TRY(make_engine(TLS_server_method(), {settings.version_min, settings.version_max}));
  LoadedIdentities all;
  all.main = RP_TRY(load(settings.main));
  RP_CHECK(try_out(scratch.context.get(), all.main, settings.main));
  for (const auto& [name, identity] : settings.names) {
    const std::string place = fmt::format("name \"{}\"", name);
    const std::string key = lower_case(name);
    if (!is_server_name(key))
      return fail(ErrorKind::permanent, place + ": is neither a host name nor \"*.\" before one");
    auto loaded = load(identity);
    if (!loaded) return fail(std::move(loaded).error().in(place));
    auto good = try_out(scratch.context.get(), *loaded, identity);
    if (!good) return fail(std::move(good).error().in(place));
    if (!all.names.emplace(key, std::move(*loaded)).second)
      return fail(ErrorKind::permanent, place + ": stands there twice, in upper and lower case");
  }
  return all;
}

}  // namespace ringpost::tls
