// One TLS connection, either side: ciphertext in, plaintext out, and the other way.
//
// Layer:   pure. Memory in and out; no sockets, clock, logging.
// Owner:   net::Connection. Lives on one core at a time; at a quiet point (no call running) it may move to another. A
//          client session stays on the core of its ClientContext.
// Input:   any prefix of the byte stream, split anywhere. It keeps no reference to a caller's bytes after a call.
// Limits:  tls/limits.hpp. Bytes and time of the handshake are the driver's to bound.
// States:  handshake -> open -> closed (peer sent close_notify) | failed (sticky; an alert may wait in the output)
// RFCs:    5246 (TLS 1.2), 8446 (TLS 1.3), 6066 (SNI), 5077 (tickets), 9266 (channel binding). Renegotiation is refused.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "ringpost/base/result.hpp"
#include "ringpost/tls/options.hpp"

namespace ringpost::tls {

std::string_view to_string(Version version);  // "TLSv1.3"

enum class PeerCheck : unsigned char {
  not_asked,  // a server, or a client without trusted authorities
  verified,   // a trusted authority vouches, and the name matches
  failed,     // see peer_check_reason; only without Verification::required, else the handshake fails
};

// What log lines and Received headers say. Valid once handshake_done().
struct Facts {
  Version version = Version::tls_1_2;
  std::string_view cipher;  // "TLS_AES_256_GCM_SHA384"; static text
  int cipher_bits = 0;
  bool resumed = false;
  std::string sni;  // the name that the client asked for, lower case, or empty
  PeerCheck peer_check = PeerCheck::not_asked;
  std::string peer_check_reason;  // "unable to get local issuer certificate"
};

class Session {
 public:
  struct State;  // known to tls alone; ServerContext and ClientContext make it
  explicit Session(std::unique_ptr<State> state);
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  struct Progress {
    std::size_t consumed = 0;  // ciphertext bytes taken
    std::size_t produced = 0;  // plaintext bytes written
  };
  // Takes ciphertext, advances the handshake, fills `plaintext`. Afterwards all ciphertext is consumed or
  // `plaintext` is full; then call again with the rest, also when the rest is empty and has_plaintext().
  // Before handshake_done() `plaintext` may be empty. An error behind good bytes comes with the next call;
  // failed() tells it at once. Output may be pending after every call, also after an error: the alert that
  // tells the peer why.
  Result<Progress> receive(std::span<const std::byte> ciphertext, std::span<std::byte> plaintext);

  // Takes plaintext to send; returns how much was taken, less than all when kOutputBytesMax waits for the
  // socket. Small writes gather into one record until pending_output() is called. Before handshake_done() up
  // to kRecordBytesMax is taken and sent right after it.
  Result<std::size_t> write(std::span<const std::byte> plaintext);

  // The ciphertext to send now. Valid until the next call of anything but consume_output of a part and accessors.
  std::span<const std::byte> pending_output();
  void consume_output(std::size_t count);

  // The socket's end of file, after all that came was received. An error (closed) when the peer did not say
  // close_notify first: the bytes so far may have been cut short by anyone. During the handshake always an error.
  Result<void> end_of_input();
  // Says that we send no more. Its record is in pending_output(); writes are refused afterwards.
  void close_notify();

  bool handshake_done() const;
  bool has_plaintext() const;  // decrypted bytes wait inside: call receive() with room
  bool peer_closed() const;    // close_notify arrived
  bool failed() const;         // send what is pending, then close the socket
  const Facts& facts() const;
  // What only the two ends of this connection can know (tls-exporter, RFC 9266): what a login inside is bound to. "" before the
  // handshake is done, and below TLS 1.3, where it would need more care than it is worth.
  std::string channel_binding() const;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace ringpost::tls
