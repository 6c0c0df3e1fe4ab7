// Owning pointers for OpenSSL's objects and a way to read its error queue. Only crypto and tls may include this.
//
// Layer:  pure. The error queue belongs to the thread: whoever calls OpenSSL clears it before and empties it after a
//         failure, so that one session's error never becomes another's.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "ringpost/base/result.hpp"

namespace ringpost::crypto {

template <auto release>
struct Releaser {
  template <class T>
  void operator()(T* object) const noexcept {
    release(object);
  }
};
template <class T, auto release>
using Owned = std::unique_ptr<T, Releaser<release>>;

using OwnedBio = Owned<BIO, &BIO_free_all>;
using OwnedKey = Owned<EVP_PKEY, &EVP_PKEY_free>;
using OwnedCertificate = Owned<X509, &X509_free>;

// The first reason in this thread's queue, "bad decrypt", or `otherwise` when it is empty. Empties the queue.
std::string take_openssl_error(std::string_view otherwise);

// All certificates of a PEM text in their order, at least one.
Result<std::vector<OwnedCertificate>> read_certificates(std::string_view pem);
// The first private key of a PEM text. A key under a passphrase is refused: nobody is there to type it.
Result<OwnedKey> read_private_key(std::string_view pem);

}  // namespace ringpost::crypto
