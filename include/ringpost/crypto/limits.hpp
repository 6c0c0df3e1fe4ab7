// The limits of crypto, each with its reason.
#pragma once

#include <cstddef>

#include "ringpost/base/units.hpp"

namespace ringpost::crypto {

// A PEM file with a long chain is some 10 KiB; the bundle of all system authorities is some 250 KiB.
inline constexpr std::size_t kPemBytesMax = 4 << 20;
// X.520 gives a common name 64 characters at most; longer names go to the subject alternative names only.
inline constexpr std::size_t kCommonNameBytesMax = 64;
// A name in DNS has 253 characters at most (RFC 1035 section 3.1).
inline constexpr std::size_t kNameBytesMax = 253;
// More names than this in one self-signed certificate is a mistake.
inline constexpr std::size_t kSelfSignedNamesMax = 100;
// Certificates read from one PEM text: the system bundle holds some 150.
inline constexpr std::size_t kCertificatesMax = 1000;

}  // namespace ringpost::crypto
