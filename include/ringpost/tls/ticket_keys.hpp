// The keys that seal session tickets, so that a client resumes on any core and after a reload.
//
// Layer:  pure. An immutable value in a shared_ptr: rotating makes a new one, each core takes it at a turn boundary.
// Limits: kTicketKeysMax keys. Older tickets just lead to a full handshake.
// RFCs:   5077, 8446 section 4.6.1.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "ringpost/base/result.hpp"

namespace ringpost::tls {

class TicketKeys {
 public:
  struct Key {
    std::array<std::byte, 16> name;    // stands in the ticket in clear
    std::array<std::byte, 32> cipher;  // AES-256-CBC
    std::array<std::byte, 32> mac;     // HMAC-SHA-256
  };

  // One random key. Made once at start, then kept over reloads.
  static Result<std::shared_ptr<const TicketKeys>> generate();
  // A fresh random key that seals from now on; these keys still open. Call it every `tls.ticket_key_lifetime`.
  Result<std::shared_ptr<const TicketKeys>> rotated() const;

  const Key& sealing() const { return keys_.front(); }
  std::span<const Key> all() const { return keys_; }  // newest first

  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;
  ~TicketKeys();  // wipes

 private:
  TicketKeys() = default;
  std::vector<Key> keys_;
};

}  // namespace ringpost::tls
