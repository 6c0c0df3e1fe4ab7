// What LIST and STATUS tell of mailboxes: plain, for it comes from the cores of their owners.
//
// Layer:  services, without I/O. Owner: one command.
// Limits: access/limits.hpp: kListedBytes.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/imap/response_writer.hpp"
#include "ringpost/store/user_mail.hpp"

#include "mailbox_path.hpp"

namespace ringpost::access {

struct StatusFacts {
  imap::StatusValues values;  // but its mailbox_id
  std::string mailbox_id;
};

// A mailbox that its reader may see, or a level above one that is none itself.
struct ListedName {
  std::string name;  // as its owner calls it
  bool is_mailbox = false;
  bool has_children = false;
  store::SpecialUse special_use = store::SpecialUse::none;  // the owner's use, told to him alone
  store::Rights rights;                                     // of the reader
};

// All of one owner, with their names where they stand. On his core, until the next suspension.
class VisibleNames {
 public:
  VisibleNames(const store::UserMail& mail, std::string_view reader);

  std::optional<ListedName> find(std::string_view name) const;

  struct Page {
    std::vector<ListedName> names;  // in their order
    std::string last;               // the last name that was looked at
    bool more = false;
    bool any = false;  // that he may see, wanted or not
  };
  // Those behind `after` that are wanted by the name that the reader says, until they have so many bytes; one at least.
  using Wanted = std::function<bool(std::string_view shown)>;
  Page page(const MailboxPath& whose, std::string_view after, const Wanted& wanted, std::size_t bytes) const;

 private:
  struct Node {
    const store::Mailbox* mailbox = nullptr;
    bool has_children = false;
    store::Rights rights;
  };
  using Nodes = std::map<std::string_view, Node>;
  ListedName told(const Nodes::value_type& node) const;

  Nodes nodes_;
  bool own_;
};

}  // namespace ringpost::access
