// NAMESPACE, LIST and LSUB: the user's own mailboxes, and those of others that he may see. Names are told while they are looked for, page
// by page and owner by owner, so that it does not matter how many there are.
#include <algorithm>
#include <bitset>
#include <map>
#include <vector>

#include "ringpost/imap/limits.hpp"
#include "ringpost/imap/mailbox_name.hpp"
#include "ringpost/mail/address.hpp"
#include "ringpost/store/limits.hpp"

#include "imap_conversation.hpp"

// NOLINTBEGIN(*-avoid-capturing-lambda-coroutines): each is kept by who waits for it
namespace ringpost::access {

// What LIST tells of can be named in every other command.
static_assert(kOthersPrefix.size() + store::kUserNameMax + 1 + store::kMailboxNameMax <=
              imap::kMailboxNameBytesMax);
// And subscribed to.
static_assert(store::kSubscribedNameMax >= imap::kMailboxNameBytesMax);

Task<Answer> ImapConversation::run(imap::Namespace&) {
  session_.respond().namespaces("", kSeparator, reach_.others() ? kOthersPrefix : "");
  co_return Answer::ok();
}

// ---- what is told of a name

// A LIST under way.
struct ImapConversation::Telling {
  explicit Telling(const imap::List& of) : command(of) {
    for (const std::string& pattern : command.patterns) {
      const std::string whole = command.reference + pattern;
      patterns.push_back(
          {.names = imap::NamePattern(whole, kSeparator), .any_depth = whole.find('*') != std::string::npos});
      may_begin(whole.substr(0, whole.find_first_of("%*")));
    }
    // None of them begins with another: one look finds the only one that a name can begin with, however many there are.
    std::ranges::sort(begins);
    std::vector<std::string> shortest;
    for (std::string& begin : begins)
      if (shortest.empty() || !begin.starts_with(shortest.back())) shortest.push_back(std::move(begin));
    begins = std::move(shortest);
  }
  bool matches(std::string_view name) {
    return std::ranges::any_of(patterns, [&](Pattern& one) { return one.names.matches(name); });
  }
  // Of a level that is no mailbox: "%" is to tell of it, "*" tells of what is below it (RFC 9051 section 6.3.9).
  bool matches_level(std::string_view name) {
    return std::ranges::any_of(patterns,
                               [&](Pattern& one) { return !one.any_depth && one.names.matches(name); });
  }
  // What is cheap to know of it on the owner's core.
  bool may_match(std::string_view name) const {
    const auto next = std::ranges::upper_bound(begins, name);
    return next != begins.begin() && name.starts_with(*std::prev(next));
  }
  bool asks_subscriptions() const {
    return command.lsub || command.select_subscribed || command.return_subscribed;
  }
  struct Subscription {
    bool told = false;
    // Levels above it that were told, those below which it is the first.
    std::bitset<store::kSubscribedDepthMax> above;
  };
  Subscription* first_subscribed_below(const std::string& name) {
    const std::string below = name + kSeparator;
    const auto next = subscriptions.lower_bound(below);
    return next != subscriptions.end() && next->first.starts_with(below) ? &next->second : nullptr;
  }

  // Letters matter but for those of the inbox.
  void may_begin(const std::string& begin) {
    begins.push_back(begin);
    const std::string_view inbox = imap::kInbox.substr(0, begin.size());
    if (mail::equal_ignoring_case(std::string_view(begin).substr(0, inbox.size()), inbox))
      begins.push_back(std::string(inbox) + begin.substr(inbox.size()));
  }

  struct Pattern {
    imap::NamePattern names;
    bool any_depth = false;
  };

  const imap::List& command;
  std::vector<Pattern> patterns;
  std::vector<std::string> begins;  // of the patterns, up to their first wildcards
  std::map<std::string, Subscription, std::less<>> subscriptions;  // as the reader says them
  // Of the user's own, those that are called as if they were others'. They wait for what has the same name, and go first.
  std::map<std::string, ListedName, std::less<>> among_others;
  bool told_others = false;  // that there are any
  std::size_t steps = 0;
};

namespace {

// LSUB with "%" tells of a name that is not subscribed for the sake of those below it, and so does RECURSIVEMATCH.
bool stands_for_children(const imap::List& command) {
  return command.select_recursive_match ||
         (command.lsub && std::ranges::any_of(command.patterns, [](const std::string& pattern) {
            return pattern.find('%') != std::string::npos;
          }));
}

bool is_told(const imap::List& command, const ListedName& named, bool subscribed, bool child_subscribed) {
  if (command.lsub || command.select_subscribed) {
    if (!subscribed && !(child_subscribed && stands_for_children(command))) return false;
  } else if (!named.is_mailbox && !named.has_children) {
    return false;
  }
  return !command.select_special_use || to_imap(named.special_use) != 0;
}

std::size_t level_of(std::string_view name) {
  return static_cast<std::size_t>(std::ranges::count(name, kSeparator));
}

imap::ListEntry entry_of(const std::string& name, const ListedName& named) {
  imap::ListEntry entry;
  entry.name = name;
  entry.separator = kSeparator;
  entry.attributes.has_children = named.has_children;
  entry.attributes.has_no_children = !named.has_children && named.is_mailbox;
  entry.attributes.special_uses.bits = to_imap(named.special_use);
  return entry;
}

}  // namespace

// `named` is one that matches. False: the client has gone.
Task<bool> ImapConversation::tell_listed(Telling& telling, MailboxPath whose, ListedName named) {
  const imap::List& command = telling.command;
  const std::string name = whose.shown(named.name);
  const auto subscription = telling.subscriptions.find(name);
  const bool subscribed = subscription != telling.subscriptions.end();
  if (subscribed) subscription->second.told = true;
  Telling::Subscription* const below = telling.first_subscribed_below(name);
  const bool child_subscribed = below != nullptr;
  if (below != nullptr) below->above.set(level_of(name));
  if (!is_told(command, named, subscribed, child_subscribed)) co_return co_await relieve(telling.steps);
  imap::ListEntry entry = entry_of(name, named);
  entry.attributes.non_existent = !named.is_mailbox && (command.extended || session_.dialect().rev2);
  // LSUB says it also of what is told for those below it (RFC 3501 section 6.3.9).
  entry.attributes.no_select = !named.is_mailbox || (command.lsub && !subscribed);
  entry.attributes.subscribed = subscribed && (command.return_subscribed || command.select_subscribed);
  entry.child_info_subscribed = command.select_recursive_match && child_subscribed;
  auto respond = session_.respond();
  command.lsub ? respond.lsub(entry) : respond.list(entry);
  if (named.is_mailbox) {
    if (command.return_my_rights) respond.my_rights(name, named.rights.with_obsolete());
    // One that has gone meanwhile, or may not be read, has no STATUS (RFC 5819 section 2).
    if (command.return_status.bits != 0)
      (void)co_await tell_status({.owner = whose.owner, .name = named.name, .others = whose.others},
                                 command.return_status);
  }
  co_return co_await relieve(telling.steps);
}

// ---- whose they are

Task<Answer> ImapConversation::list_of(Telling& telling, MailboxPath whose) {
  const VisibleNames::Wanted wanted = [&](std::string_view name) { return telling.may_match(name); };
  VisibleNames::Page page;
  const Reach::AtMail look = [&](store::UserMail& mail) -> Task<Answer> {
    page = VisibleNames(mail, user_).page(whose, page.last, wanted, kListedBytes);
    co_return Answer::ok();
  };
  for (bool first = true; first || page.more; first = false) {
    if (Answer found = co_await reach_.at_owner(whose, look); !found.is_ok()) co_return found;
    if (first && whose.others && page.any && !co_await tell_levels_above(telling, whose)) break;
    for (ListedName& named : page.names)
      if (!co_await tell_one_of(telling, whose, std::move(named))) co_return Answer::ok();
  }
  co_return Answer::ok();
}

Task<bool> ImapConversation::tell_one_of(Telling& telling, MailboxPath whose, ListedName named) {
  const std::string name = whose.shown(named.name);
  if (!telling.matches(name)) co_return co_await relieve(telling.steps);
  if (!reach_.others() || !is_among_others(name))
    co_return co_await tell_listed(telling, std::move(whose), std::move(named));
  if (!whose.others) {
    telling.among_others.emplace(name, std::move(named));
    co_return true;
  }
  if (const auto mine = telling.among_others.extract(name); !mine.empty()) {
    mine.mapped().has_children = mine.mapped().has_children || named.has_children;
    co_return co_await tell_own(telling, std::move(mine.mapped()));
  }
  co_return co_await tell_listed(telling, std::move(whose), std::move(named));
}

Task<bool> ImapConversation::tell_own(Telling& telling, ListedName named) {
  co_return co_await tell_listed(telling, {.owner = user_, .name = {}}, std::move(named));
}

// "Other Users" and "Other Users/bert@example.com", when he shares something.
Task<bool> ImapConversation::tell_levels_above(Telling& telling, MailboxPath whose) {
  const MailboxPath all{.owner = {}, .name = {}, .others = true};
  if (!std::exchange(telling.told_others, true) && !co_await tell_level(telling, all)) co_return false;
  co_return co_await tell_level(telling, std::move(whose));
}

// Thunderbird takes the first of them for a mailbox in the other namespace when "*" brings it, and says that there is none.
Task<bool> ImapConversation::tell_level(Telling& telling, MailboxPath level) {
  const std::string name = level.shown({});
  if (!telling.matches_level(name) && !telling.among_others.contains(name)) co_return true;
  co_return co_await tell_one_of(telling, std::move(level), {.name = {}, .has_children = true});
}

// Each of them is asked, when a pattern may mean something of his.
Task<void> ImapConversation::list_of_others(Telling& telling) {
  const imap::List& command = telling.command;
  const auto may_mean = [&](const std::string& owner) {
    return std::ranges::any_of(command.patterns, [&](const std::string& pattern) {
      return may_match_owner(command.reference + pattern, owner);
    });
  };
  for (std::string after;;) {
    const std::vector<std::string> owners = reach_.store().owners_sharing_with(user_, after);
    if (owners.empty()) co_return;
    for (const std::string& owner : owners) {
      if (may_mean(owner)) (void)co_await list_of(telling, {.owner = owner, .name = {}, .others = true});
      if (!co_await relieve(telling.steps)) co_return;
    }
    after = owners.back();
  }
}

// What there is no mailbox of: subscriptions, and levels above them; and the user's own that have met none of the same name.
Task<void> ImapConversation::list_rest(Telling& telling) {
  while (!telling.among_others.empty()) {
    auto next = telling.among_others.extract(telling.among_others.begin());
    if (!co_await tell_own(telling, std::move(next.mapped()))) co_return;
  }
  const bool with_levels = stands_for_children(telling.command);
  std::string_view before;
  for (const auto& [name, subscription] : telling.subscriptions) {
    if (with_levels && !co_await tell_above_subscribed(telling, name, before)) co_return;
    before = name;
    if (!subscription.told && telling.matches(name) && !co_await tell_own(telling, {.name = name})) co_return;
    if (!co_await relieve(telling.steps)) co_return;
  }
}

// Of a subscription those that are above none before it, and no mailboxes.
Task<bool> ImapConversation::tell_above_subscribed(Telling& telling, std::string_view subscribed,
                                                   std::string_view before) {
  const auto& above = telling.subscriptions.find(subscribed)->second.above;
  std::size_t level = 0;
  for (std::size_t at = subscribed.find(kSeparator); at != std::string_view::npos;
       at = subscribed.find(kSeparator, at + 1), ++level) {
    if (above[level] || before.starts_with(subscribed.substr(0, at + 1))) continue;
    const std::string_view name = subscribed.substr(0, at);
    if (telling.matches_level(name) && !co_await tell_own(telling, {.name = std::string(name)}))
      co_return false;
    if (!co_await relieve(telling.steps)) co_return false;
  }
  co_return true;
}

Task<Answer> ImapConversation::run(imap::List& command) {
  if (!command.extended && command.patterns.size() == 1 && command.patterns.front().empty()) {
    auto respond = session_.respond();
    imap::ListEntry root;
    root.attributes.no_select = true;
    command.lsub ? respond.lsub(root) : respond.list(root);
    co_return Answer::ok();
  }
  Telling telling(command);
  if (telling.asks_subscriptions()) {
    const Reach::AtMail look = [&](store::UserMail& mail) -> Task<Answer> {
      for (std::string& name : mail.subscriptions()) telling.subscriptions.try_emplace(std::move(name));
      co_return Answer::ok();
    };
    if (Answer found = co_await reach_.at_own(look); !found.is_ok()) co_return found;
  }
  if (Answer own = co_await list_of(telling, {.owner = user_, .name = {}}); !own.is_ok()) co_return own;
  if (reach_.others() && !connection_.aborted()) co_await list_of_others(telling);
  if (!connection_.aborted()) co_await list_rest(telling);
  co_return Answer::ok();
}

// What NOTIFY has to say of names, all the user's own: with everything that LIST knows of them (RFC 5465 sections 5.4 and 5.5).
void ImapConversation::tell_listed(std::span<const Notices::Name> told) {
  if (told.empty()) return;
  const VisibleNames names(*home_, user_);
  for (const Notices::Name& one : told) {
    const ListedName named = names.find(one.name).value_or(ListedName{});
    imap::ListEntry entry = entry_of(one.name, named);
    entry.attributes.non_existent = !named.is_mailbox;
    entry.attributes.subscribed = home_->subscribed(one.name);
    entry.old_name = one.old_name;
    session_.respond().list(entry);
  }
}

}  // namespace ringpost::access
// NOLINTEND(*-avoid-capturing-lambda-coroutines)
