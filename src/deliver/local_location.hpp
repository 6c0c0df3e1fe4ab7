// mailboxes.location: where the mail of an account goes, and what its %u, %d, %n and ~ become.
//
// Layer: services, private. Pure.
// Safety: what a mail says (a local part) never changes a path's folders and never becomes a word of a shell.
#pragma once

#include <string>
#include <string_view>

#include "ringpost/base/result.hpp"

namespace ringpost::deliver {

struct Location {
  enum class Kind : unsigned char { store, maildir, mbox, command, lmtp };
  Kind kind = Kind::maildir;
  std::string text;  // after the colon, not expanded; of the store ""
  bool needs_home() const { return text.starts_with("~/"); }
};

// Errors are for the operator: what is wrong with mailboxes.location, and the mend.
Result<Location> parse_location(std::string_view text);

struct LocationNames {
  std::string user;    // %u, the account
  std::string domain;  // %d
  std::string name;    // %n, its local part
  std::string home;    // ~, when it has one
};
// An account called "anna@example.com" has its domain; "anna" gets that of the recipient.
LocationNames names_for(const std::string& user, const std::string& home,
                        const std::string& recipient_domain);
// A path, or the command line. Errors: a name that no folder may have, or no home where one is needed.
Result<std::string> expand_location(const Location& location, const LocationNames& names);

}  // namespace ringpost::deliver
