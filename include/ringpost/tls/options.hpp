// The [tls] table of the configuration: which certificate to show to whom, and the oldest version to speak.
//
// Layer: base only. Whoever reads the files makes ServerSettings from it.
#pragma once

#include "ringpost/base/options.hpp"

namespace ringpost::tls {

enum class Version : unsigned char { tls_1_2, tls_1_3 };
constexpr auto option_choices(const Version*) {
  return std::to_array<Choice<Version>>({{"1.2", Version::tls_1_2}, {"1.3", Version::tls_1_3}});
}

struct SniOptions {
  FilePath certificate;
  FilePath key;
};

struct TlsOptions {
  FilePath certificate;  // empty: no TLS
  FilePath key;
  Version version_min = Version::tls_1_2;
  Duration ticket_key_lifetime = 12h;
  Named<SniOptions> sni;
};

const OptionTable& option_table(const SniOptions*);
const OptionTable& option_table(const TlsOptions*);

}  // namespace ringpost::tls
