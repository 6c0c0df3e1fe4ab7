#include "listing.hpp"

#include <utility>

#include "reader_rights.hpp"

namespace ringpost::access {

VisibleNames::VisibleNames(const store::UserMail& mail, std::string_view reader)
    : own_(mail.name() == reader) {
  for (const store::Mailbox* mailbox : mail.mailboxes()) {
    const store::Rights rights = rights_of(mail, mailbox->id(), reader);
    if (!rights.has(store::Right::lookup)) continue;
    Node& node = nodes_[mailbox->name()];
    node.mailbox = mailbox;
    node.rights = rights;
    // Who is marked has marked parents: each is gone through once, however deep the mailboxes lie.
    for (std::string_view parent = parent_of(mailbox->name()); !parent.empty(); parent = parent_of(parent))
      if (std::exchange(nodes_[parent].has_children, true)) break;
  }
}

ListedName VisibleNames::told(const Nodes::value_type& node) const {
  const auto& [name, what] = node;
  return {
      .name = std::string(name),
      .is_mailbox = what.mailbox != nullptr,
      .has_children = what.has_children,
      .special_use = own_ && what.mailbox != nullptr ? what.mailbox->special_use() : store::SpecialUse::none,
      .rights = what.rights};
}

std::optional<ListedName> VisibleNames::find(std::string_view name) const {
  const auto found = nodes_.find(name);
  return found == nodes_.end() ? std::nullopt : std::optional(told(*found));
}

VisibleNames::Page VisibleNames::page(const MailboxPath& whose, std::string_view after, const Wanted& wanted,
                                      std::size_t bytes) const {
  Page page{.names = {}, .last = {}, .any = !nodes_.empty()};
  std::size_t size = 0;
  for (auto node = nodes_.upper_bound(after); node != nodes_.end() && !page.more; ++node) {
    if (!wanted(whose.shown(node->first))) continue;
    page.names.push_back(told(*node));
    size += sizeof(ListedName) + node->first.size();
    page.more = size >= bytes;
  }
  if (page.more) page.last = page.names.back().name;
  return page;
}

}  // namespace ringpost::access
