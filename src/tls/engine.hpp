// What both kinds of context share: the OpenSSL objects behind a Session and how they reach its memory.
//
// Layer:  pure, private to tls.
// Owner:  a Session owns its State; the SSL object and its BIO point back to the State, which therefore never moves.
#pragma once

#include <memory>
#include <string>

#include <openssl/ssl.h>

#include "ringpost/crypto/openssl.hpp"
#include "ringpost/tls/client_context.hpp"
#include "ringpost/tls/server_context.hpp"
#include "ringpost/tls/session.hpp"

#include "byte_queue.hpp"

namespace ringpost::tls {

using OwnedSsl = crypto::Owned<SSL, &SSL_free>;
using OwnedSslSession = crypto::Owned<SSL_SESSION, &SSL_SESSION_free>;

// An SSL_CTX with the settings that both sides share, and the BIO method of its sessions.
struct Engine {
  crypto::Owned<BIO_METHOD, &BIO_meth_free> bio_method;
  crypto::Owned<SSL_CTX, &SSL_CTX_free> context;
};
struct Versions {
  Version min = Version::tls_1_2;
  Version max = Version::tls_1_3;
};
Result<Engine> make_engine(const SSL_METHOD* method, Versions versions);

struct Session::State {
  // First, so that it dies last: the SSL object calls into what this keeps.
  std::shared_ptr<const void> context;
  ClientContext::State* client = nullptr;  // of a client; part of `context`
  std::string session_key;                 // of a client; empty: not resumed
  OwnedSsl ssl;

  std::span<const std::byte> input;  // the caller's bytes, during receive() only
  ByteQueue output;                  // ciphertext for the socket
  ByteQueue staged;                  // plaintext for the next record

  Facts facts;
  bool handshake_done = false;
  bool peer_closed = false;
  bool said_close = false;
  std::optional<Error> failure;

  ~State();

  // Nothing may call these after a failure. A failure is recorded, with an alert in `output`.
  void advance_handshake();
  std::size_t read(std::span<std::byte> plaintext);
  bool encrypt(std::span<const std::byte> plaintext);
  bool seal();

 private:
  void record_failure(std::string_view during);
  void record_facts();
  void record_peer_check();
  void keep_renewed_session();
};

// A State whose SSL object reads and writes its memory.
Result<std::unique_ptr<Session::State>> make_session_state(const Engine& engine,
                                                           std::shared_ptr<const void> context);

// What the thread's error queue says went wrong, for a log line. Empties the queue.
std::string take_tls_error(const SSL* ssl);

std::string lower_case(std::string_view text);

}  // namespace ringpost::tls
