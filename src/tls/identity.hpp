// Certificates and keys of a server, read and checked, and found by name.
//
// Layer: pure, private to tls.  Owner: server contexts share it; immutable once loaded.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "ringpost/tls/server_context.hpp"

#include "engine.hpp"

namespace ringpost::tls {

struct ReleaseChain {
  void operator()(STACK_OF(X509) * chain) const noexcept { sk_X509_pop_free(chain, X509_free); }
};

struct LoadedIdentity {
  crypto::OwnedCertificate certificate;
  std::unique_ptr<STACK_OF(X509), ReleaseChain> issuers;
  crypto::OwnedKey key;
};

struct LoadedIdentities {
  LoadedIdentity main;
  std::map<std::string, LoadedIdentity, std::less<>> names;  // lower case

  // The one for exactly this name, else the wildcard over it, else null.
  const LoadedIdentity* find(std::string_view name) const;
};

// Errors cite the file and say how to mend it.
Result<LoadedIdentities> load_identities(const ServerSettings& settings);

// What citations call a file that has no path.
std::string_view certificate_place(const Identity& identity);

}  // namespace ringpost::tls
