#include "listing.hpp"

#include <set>
#include <utility>

#include "reader_rights.hpp"

namespace ringpost::access {

void Listing::add(const store::UserMail& mail, const MailboxPath& whose, std::string_view reader,
                  std::size_t most) {
  const std::size_t before = mailboxes.size();
  for (const store::Mailbox* mailbox : mail.mailboxes()) {
    const store::Rights rights = rights_of(mail, mailbox->id(), reader);
    if (!rights.has(store::Right::lookup)) continue;
    if (mailboxes.size() - before >= most) {
      left_out = true;
      return;
    }
    mailboxes.push_back({.path = {.owner = whose.owner, .name = mailbox->name(), .others = whose.others},
                         .special_use = whose.others ? store::SpecialUse::none : mailbox->special_use(),
                         .rights = rights});
  }
}

ListedNames names_of(const Listing& listing) {
  ListedNames names;
  // One's own come first: of two of the same name that is the one which commands mean.
  for (const ListedMailbox& mailbox : listing.mailboxes) {
    ListedName& named = names[mailbox.path.shown(mailbox.path.name)];
    if (named.mailbox == nullptr) named.mailbox = &mailbox;
  }
  for (const std::string& name : listing.subscriptions) names[name].subscribed = true;
  // Who is marked has marked parents: each is looked for once, however deep the mailboxes lie.
  std::set<std::string, std::less<>> missing;
  for (const auto& [name, named] : names) {
    if (named.mailbox == nullptr) continue;
    for (std::string_view parent = parent_of(name); !parent.empty(); parent = parent_of(parent)) {
      const auto found = names.find(parent);
      if (found == names.end() ? !missing.emplace(parent).second
                               : std::exchange(found->second.has_children, true))
        break;
    }
  }
  for (const std::string& parent : missing) names[parent].has_children = true;
  return names;
}

void mark_subscribed_parents(ListedNames& names) {
  for (const auto& [name, named] : names) {
    if (!named.subscribed) continue;
    for (std::string_view above = parent_of(name); !above.empty(); above = parent_of(above)) {
      const auto parent = names.find(above);
      if (parent != names.end()) parent->second.child_subscribed = true;
    }
  }
}

}  // namespace ringpost::access
