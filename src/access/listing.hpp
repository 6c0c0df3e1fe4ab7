// What LIST and STATUS tell of mailboxes: plain, for it comes from the cores of their owners.
//
// Layer:  services, without I/O. Owner: one command.
// Limits: access/limits.hpp: kListedOfOthersMax.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/imap/response_writer.hpp"
#include "ringpost/store/limits.hpp"
#include "ringpost/store/user_mail.hpp"

#include "mailbox_path.hpp"

namespace ringpost::access {

struct StatusFacts {
  imap::StatusValues values;  // but its mailbox_id
  std::string mailbox_id;
};

// A mailbox that its reader may see.
struct ListedMailbox {
  MailboxPath path;
  store::SpecialUse special_use = store::SpecialUse::none;  // the owner's use, told to him alone
  store::Rights rights;                                     // of the reader
};
struct Listing {
  std::vector<ListedMailbox> mailboxes;
  std::vector<std::string> subscriptions;  // names as the reader says them
  bool left_out = false;                   // more than `most` were there

  // On the owner core. `whose` they are; the oldest, where there are more than `most`.
  void add(const store::UserMail& mail, const MailboxPath& whose, std::string_view reader,
           std::size_t most = store::kMailboxesMax);
};

// What LIST may have to say of a name: a mailbox, a subscription, a parent that is none itself.
struct ListedName {
  const ListedMailbox* mailbox = nullptr;  // in the listing
  bool subscribed = false;
  bool has_children = false;
  bool child_subscribed = false;  // below it something is, that the pattern does not reach
};
using ListedNames = std::map<std::string, ListedName, std::less<>>;
ListedNames names_of(const Listing& listing);
void mark_subscribed_parents(ListedNames& names);

}  // namespace ringpost::access
