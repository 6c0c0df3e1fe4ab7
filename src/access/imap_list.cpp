// NAMESPACE, LIST and LSUB: the user's own mailboxes, and those of others that he may see.
#include <algorithm>
#include <set>
#include <vector>

#include "ringpost/imap/mailbox_name.hpp"

#include "imap_conversation.hpp"

// NOLINTBEGIN(*-avoid-capturing-lambda-coroutines): each is kept by who waits for it
namespace ringpost::access {

Task<Answer> ImapConversation::run(imap::Namespace&) {
  session_.respond().namespaces("", kSeparator, reach_.others() ? kOthersPrefix : "");
  co_return Answer::ok();
}

// ---- what there is

Task<Answer> ImapConversation::find_listed(const imap::List& command, Listing& listing) {
  const Reach::AtMail look = [&](store::UserMail& mail) -> Task<Answer> {
    listing.add(mail, {.owner = user_, .name = {}}, user_);
    listing.subscriptions = mail.subscriptions();
    co_return Answer::ok();
  };
  Answer answer = co_await reach_.at_own(look);
  if (answer.is_ok() && reach_.others()) co_await find_listed_of_others(command, listing);
  co_return answer;
}

// Each of them is asked once, and only when a pattern may mean something of his. Of the room that is left each has his share, so that
// nobody who shares thousands hides what others share.
Task<void> ImapConversation::find_listed_of_others(const imap::List& command, Listing& listing) {
  std::vector<std::string> owners = reach_.store().owners_sharing_with(user_);
  std::erase_if(owners, [&](const std::string& owner) {
    return std::ranges::none_of(command.patterns, [&](const std::string& pattern) {
      return may_match_owner(command.reference + pattern, owner);
    });
  });
  const std::size_t end = listing.mailboxes.size() + kListedOfOthersMax;
  std::size_t steps = 0, asked = 0;
  for (const std::string& owner : owners) {
    const std::size_t share = (end - listing.mailboxes.size()) / (owners.size() - asked++);
    const MailboxPath whose{.owner = owner, .name = {}, .others = true};
    const Reach::AtMail look = [&](store::UserMail& mail) -> Task<Answer> {
      listing.add(mail, whose, user_, share);
      co_return Answer::ok();
    };
    (void)co_await reach_.at_owner(whose, look);
    if (!co_await relieve(steps)) co_return;
  }
}

Task<std::set<std::string>> ImapConversation::names_that_match(const imap::List& command,
                                                               const ListedNames& names) {
  std::vector<imap::NamePattern> patterns;
  for (const std::string& pattern : command.patterns)
    patterns.emplace_back(command.reference + pattern, kSeparator);
  std::set<std::string> wanted;
  std::size_t steps = 0;
  for (const auto& [name, named] : names) {
    if (std::ranges::any_of(patterns, [&](imap::NamePattern& one) { return one.matches(name); }))
      wanted.insert(wanted.end(), name);
    if (!co_await relieve(steps)) break;
  }
  co_return wanted;
}

// ---- what is told of it

namespace {

// LSUB with "%" tells of a name that is not subscribed for the sake of those below it, and so does RECURSIVEMATCH.
bool stands_for_children(const imap::List& command, const ListedName& named) {
  if (!named.child_subscribed || named.subscribed) return false;
  return command.select_recursive_match ||
         (command.lsub && std::ranges::any_of(command.patterns, [](const std::string& pattern) {
            return pattern.find('%') != std::string::npos;
          }));
}

std::uint8_t use_of(const ListedName& named) {
  return named.mailbox == nullptr ? 0 : to_imap(named.mailbox->special_use);
}

bool is_told(const imap::List& command, const ListedName& named) {
  if (command.lsub || command.select_subscribed) {
    if (!named.subscribed && !stands_for_children(command, named)) return false;
  } else if (named.mailbox == nullptr && !named.has_children) {
    return false;
  }
  return !command.select_special_use || use_of(named) != 0;
}

imap::ListEntry entry_of(const std::string& name, const ListedName& named) {
  imap::ListEntry entry;
  entry.name = name;
  entry.separator = kSeparator;
  entry.attributes.has_children = named.has_children;
  entry.attributes.has_no_children = !named.has_children && named.mailbox != nullptr;
  entry.attributes.special_uses.bits = use_of(named);
  return entry;
}

}  // namespace

Task<Answer> ImapConversation::run(imap::List& command) {
  auto respond = session_.respond();
  if (!command.extended && command.patterns.size() == 1 && command.patterns.front().empty()) {
    imap::ListEntry root;
    root.attributes.no_select = true;
    command.lsub ? respond.lsub(root) : respond.list(root);
    co_return Answer::ok();
  }
  Listing listing;
  if (Answer found = co_await find_listed(command, listing); !found.is_ok()) co_return found;
  ListedNames names = names_of(listing);
  const std::set<std::string> wanted = co_await names_that_match(command, names);
  if (command.lsub || command.select_subscribed) mark_subscribed_parents(names);
  std::size_t steps = 0;
  for (const auto& [name, named] : names) {
    if (!wanted.contains(name) || !is_told(command, named)) continue;
    imap::ListEntry entry = entry_of(name, named);
    entry.attributes.non_existent = named.mailbox == nullptr && (command.extended || session_.dialect().rev2);
    entry.attributes.no_select = named.mailbox == nullptr;
    entry.attributes.subscribed =
        named.subscribed && (command.return_subscribed || command.select_subscribed);
    entry.child_info_subscribed = command.select_recursive_match && named.child_subscribed;
    command.lsub ? respond.lsub(entry) : respond.list(entry);
    if (named.mailbox == nullptr) continue;
    if (command.return_my_rights) respond.my_rights(name, named.mailbox->rights.with_obsolete());
    // One that has gone meanwhile, or may not be read, has no STATUS (RFC 5819 section 2).
    if (command.return_status.bits != 0)
      (void)co_await tell_status(named.mailbox->path, command.return_status);
    if (!co_await relieve(steps)) break;
  }
  co_return listing.left_out ? Answer::ok("Others share more mailboxes than are listed at once")
                             : Answer::ok();
}

// What NOTIFY has to say of names, all the user's own: with everything that LIST knows of them (RFC 5465 sections 5.4 and 5.5).
void ImapConversation::tell_listed(std::span<const Notices::Name> told) {
  if (told.empty()) return;
  Listing listing;
  listing.add(*home_, {.owner = user_, .name = {}}, user_);
  listing.subscriptions = home_->subscriptions();
  const ListedNames names = names_of(listing);
  for (const Notices::Name& one : told) {
    const auto found = names.find(one.name);
    const ListedName named = found == names.end() ? ListedName{} : found->second;
    imap::ListEntry entry = entry_of(one.name, named);
    entry.attributes.non_existent = named.mailbox == nullptr;
    entry.attributes.subscribed = named.subscribed;
    entry.old_name = one.old_name;
    session_.respond().list(entry);
  }
}

}  // namespace ringpost::access
// NOLINTEND(*-avoid-capturing-lambda-coroutines)
