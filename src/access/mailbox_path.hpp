// Whose mailbox a name means: "Work" is the user's own, "Other Users/bert@example.com/Work" is Bert's.
//
// Layer: services, pure.
// RFCs:  9051 section 6.3.10, 2342 (namespaces).
#pragma once

#include <string>
#include <string_view>

namespace ringpost::access {

inline constexpr char kSeparator = '/';
inline constexpr std::string_view kOtherUsers = "Other Users";
inline constexpr std::string_view kOthersPrefix = "Other Users/";

struct MailboxPath {
  std::string owner;    // canonical; empty: it can be nobody's
  std::string name;     // as the owner calls it; empty: all that is his
  bool others = false;  // not the user's own

  // As the user calls a mailbox of this owner, or with "" all of them; of nobody, all that are others'.
  std::string shown(std::string_view mailbox) const;
};

// "Other Users" and all below it: no mailbox is made there.
bool is_among_others(std::string_view name);
// What a name that is_among_others() means.
MailboxPath path_among_others(std::string_view name, std::string_view user);
// Whether a pattern of LIST, which may begin with a part of the name, can mean something of this owner.
bool may_match_owner(std::string_view pattern, std::string_view owner);
// The level above; empty: there is none.
std::string_view parent_of(std::string_view name);

}  // namespace ringpost::access
