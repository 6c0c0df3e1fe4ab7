// The bytes between us and an IMAP server, clear or inside TLS; blocking, every wait bounded.
//
// Layer: private to `migrate`.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "ringpost/base/result.hpp"
#include "ringpost/tls/client_context.hpp"

namespace ringpost::migrate {

class ImapWire {
 public:
  // Owns the descriptor. `received`: what came behind something else already.
  ImapWire(int descriptor, std::string received);
  ImapWire(ImapWire&& other) noexcept;
  ImapWire& operator=(ImapWire&&) = delete;
  ~ImapWire();
  static Result<ImapWire> connect(const std::string& host, const std::string& port);

  // What was received in the clear and not read is dropped. `verify`: the system's authorities must vouch for the name.
  Result<void> start_tls(const std::string& host, bool verify);
  bool secure() const { return tls_ != nullptr; }
  Result<void> send(std::string_view bytes);
  // A line with its CRLF, and each literal that it announces with what follows.
  Result<std::string> read_response();

 private:
  Result<void> fill();  // received_ grows, or an error
  Result<void> read_line(std::string& into);
  Result<void> read_bytes(std::uint64_t count, std::string& into);
  Result<void> wait(short events) const;
  Result<std::string> read_some() const;
  Result<void> write_raw(std::string_view bytes) const;
  Result<void> flush_tls();
  Result<void> take_ciphertext(std::string_view bytes);

  int descriptor_;
  std::string received_;
  std::size_t at_ = 0;  // of it is read
  std::unique_ptr<tls::ClientContext> context_;
  std::unique_ptr<tls::Session> tls_;
};

}  // namespace ringpost::migrate
