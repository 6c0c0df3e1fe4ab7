// Which names of another server are its user's own.
//
// Layer:  private to `migrate`; pure.
// Limits: those of one response.
// RFCs:   2342, 9051 section 6.3.10 (NAMESPACE).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "imap_reply.hpp"

namespace ringpost::migrate {

class Namespaces {
 public:
  // Of a server that says nothing of them all names are own.
  Namespaces() = default;
  // A NAMESPACE response.
  explicit Namespaces(const ImapReply& reply);

  // As it is on the wire. The longest prefix decides, for that of one namespace may be empty; the inbox is always own.
  bool owns(std::string_view name) const;
  // What stands before the names of the user's own mailboxes; empty: nothing.
  std::string_view prefix() const {
    return own_.empty() ? std::string_view() : std::string_view(own_.front());
  }

 private:
  std::vector<std::string> own_;
  std::vector<std::string> others_;  // other users', and shared
};

}  // namespace ringpost::migrate
