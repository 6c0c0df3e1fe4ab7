// Mailboxes by name: making, listing, counting; and the quota.
#include <algorithm>
#include <bit>
#include <map>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "ringpost/imap/mailbox_name.hpp"

#include "imap_conversation.hpp"

namespace ringpost::access {

namespace {

constexpr char kSeparator = '/';

// What LIST may have to say of a name: a mailbox, a subscription, a parent that is none itself.
struct Named {
  const store::Mailbox* mailbox = nullptr;
  bool subscribed = false;
  bool has_children = false;
  bool child_subscribed = false;  // below it something is, that the pattern does not reach
};

using Names = std::map<std::string, Named, std::less<>>;

Names names_of(const store::UserMail& mail) {
  Names names;
  for (const store::Mailbox* mailbox : mail.mailboxes()) names[mailbox->name()].mailbox = mailbox;
  for (const std::string& name : mail.subscriptions()) names[name].subscribed = true;
  // Who is marked has marked parents: each is looked for once, however deep the mailboxes lie.
  std::set<std::string, std::less<>> missing;
  for (const auto& [name, named] : names) {
    if (named.mailbox == nullptr) continue;
    std::string_view parent = name;
    while (true) {
      const std::size_t at = parent.rfind(kSeparator);
      if (at == std::string_view::npos) break;
      parent = parent.substr(0, at);
      const auto found = names.find(parent);
      if (found == names.end() ? !missing.emplace(parent).second
                               : std::exchange(found->second.has_children, true))
        break;
    }
  }
  for (const std::string& parent : missing) names[parent].has_children = true;
  return names;
}

void mark_subscribed_parents(Names& names) {
  for (const auto& [name, named] : names) {
    if (!named.subscribed) continue;
    for (std::size_t at = name.rfind(kSeparator); at != std::string::npos && at != 0;
         at = name.rfind(kSeparator, at - 1)) {
      const auto parent = names.find(std::string_view(name).substr(0, at));
      if (parent != names.end()) parent->second.child_subscribed = true;
    }
  }
}

}  // namespace

Task<ImapConversation::Answer> ImapConversation::run(imap::Create& command) {
  if (std::popcount(command.special_uses.bits) > 1)
    co_return Answer::no(imap::codes::kUseAttr, "A mailbox has one use");
  auto made = co_await mail_->create(command.mailbox, to_store(command.special_uses));
  if (!made) {
    // "a/" only says that names below it will come.
    if (command.only_parent && made.error().why == store::Refused::exists) co_return Answer::ok();
    co_return Answer::refused(made.error());
  }
  if (const store::Mailbox* now = mail_->find(*made); now != nullptr && notifying_)
    notifying_->notices.forget_name(now->name());
  co_return Answer::ok("Created", imap::codes::mailbox_id(store::object_id(mail_->id(), *made)));
}

Task<ImapConversation::Answer> ImapConversation::run(imap::Delete& command) {
  const store::Mailbox* mailbox = mail_->find(command.mailbox);
  if (mailbox == nullptr) co_return Answer::no(imap::codes::kNonExistent, "There is no such mailbox");
  const std::string name = mailbox->name();
  auto deleted = co_await mail_->remove(mailbox->id());
  if (!deleted) co_return Answer::refused(deleted.error());
  if (notifying_) notifying_->notices.forget_name(name);
  co_return Answer::ok("Deleted");
}

Task<ImapConversation::Answer> ImapConversation::run(imap::Rename& command) {
  const store::Mailbox* mailbox = mail_->find(command.from);
  if (mailbox == nullptr) co_return Answer::no(imap::codes::kNonExistent, "There is no such mailbox");
  auto renamed = co_await mail_->rename(mailbox->id(), command.to);
  if (!renamed) co_return Answer::refused(renamed.error());
  if (const store::Mailbox* now = mail_->find(command.to); now != nullptr && notifying_)
    notifying_->notices.forget_name(now->name());
  co_return Answer::ok("Renamed");
}

Task<ImapConversation::Answer> ImapConversation::run(imap::Number& command) {
  const store::Mailbox* mailbox = mail_->find(command.mailbox);
  if (mailbox == nullptr) co_return Answer::no(imap::codes::kNonExistent, "There is no such mailbox");
  auto numbered = co_await mail_->number(mailbox->id(), command.uid_validity, store::Uid{command.uid_next});
  if (!numbered) co_return Answer::refused(numbered.error());
  co_return Answer::ok("Numbered");
}

Task<ImapConversation::Answer> ImapConversation::run(imap::Subscribe& command) {
  auto done = co_await mail_->subscribe(command.mailbox, command.subscribe);
  if (!done) co_return Answer::refused(done.error());
  if (notifying_) notifying_->notices.forget_name(command.mailbox);
  co_return Answer::ok();
}

Task<ImapConversation::Answer> ImapConversation::run(imap::Status& command) {
  const store::Mailbox* mailbox = mail_->find(command.mailbox);
  if (mailbox == nullptr) co_return Answer::no(imap::codes::kNonExistent, "There is no such mailbox");
  tell_status(*mailbox, command.items);
  co_return Answer::ok();
}

void ImapConversation::tell_status(const store::Mailbox& mailbox, imap::StatusItems items) {
  const auto number = [](std::size_t count) { return static_cast<std::uint32_t>(count); };
  const std::string id = store::object_id(mail_->id(), mailbox.id());
  imap::StatusValues values{.items = items,
                            .messages = number(mailbox.count()),
                            .recent = number(mailbox.recent()),
                            .unseen = number(mailbox.unseen()),
                            .deleted = number(mailbox.deleted()),
                            .uid_next = mailbox.uid_next().value,
                            .uid_validity = mailbox.uid_validity(),
                            .size = mailbox.size(),
                            .deleted_storage = 0,
                            .highest_mod_sequence = mailbox.highest_modseq().value,
                            .append_limit = listening_.imap.append_limit.count,
                            .mailbox_id = id};
  if (items.has(imap::StatusItems::kDeletedStorage))
    for (const store::Message& message : mailbox.messages())
      if (has(message.flags, store::Flags::deleted)) values.deleted_storage += message.size;
  session_.respond().status_of(mailbox.name(), values);
}

Task<std::set<std::string>> ImapConversation::names_that_match(const imap::List& command) {
  std::vector<imap::NamePattern> patterns;
  for (const std::string& pattern : command.patterns)
    patterns.emplace_back(command.reference + pattern, kSeparator);
  const Names names = names_of(*mail_);
  std::set<std::string> wanted;
  std::size_t steps = 0;
  for (const auto& [name, named] : names) {
    if (std::ranges::any_of(patterns, [&](imap::NamePattern& one) { return one.matches(name); }))
      wanted.insert(wanted.end(), name);
    if (!co_await relieve(steps)) break;
  }
  co_return wanted;
}

Task<ImapConversation::Answer> ImapConversation::run(imap::List& command) {
  auto respond = session_.respond();
  if (!command.extended && command.patterns.size() == 1 && command.patterns.front().empty()) {
    imap::ListEntry root;
    root.attributes.no_select = true;
    command.lsub ? respond.lsub(root) : respond.list(root);
    co_return Answer::ok();
  }
  const std::set<std::string> wanted = co_await names_that_match(command);
  Names names = names_of(*mail_);  // again: others had their turn
  const bool by_subscription = command.lsub || command.select_subscribed;
  if (by_subscription) mark_subscribed_parents(names);
  for (const auto& [name, named] : names) {
    if (!wanted.contains(name)) continue;
    const bool as_parent =
        named.child_subscribed && !named.subscribed &&
        (command.select_recursive_match ||
         (command.lsub && std::ranges::any_of(command.patterns, [](const std::string& pattern) {
            return pattern.find('%') != std::string::npos;
          })));
    if (by_subscription && !named.subscribed && !as_parent) continue;
    if (!by_subscription && named.mailbox == nullptr && !named.has_children) continue;
    const std::uint8_t use = named.mailbox == nullptr ? 0 : to_imap(named.mailbox->special_use());
    if (command.select_special_use && use == 0) continue;
    imap::ListEntry entry;
    entry.name = name;
    entry.separator = kSeparator;
    entry.attributes.has_children = named.has_children;
    entry.attributes.has_no_children = !named.has_children && named.mailbox != nullptr;
    entry.attributes.non_existent = named.mailbox == nullptr && (command.extended || session_.dialect().rev2);
    entry.attributes.no_select = named.mailbox == nullptr;
    entry.attributes.subscribed =
        named.subscribed && (command.return_subscribed || command.select_subscribed);
    entry.attributes.special_uses.bits = use;
    entry.child_info_subscribed = command.select_recursive_match && named.child_subscribed;
    command.lsub ? respond.lsub(entry) : respond.list(entry);
    if (command.return_status.bits != 0 && named.mailbox != nullptr)
      tell_status(*named.mailbox, command.return_status);
  }
  co_return Answer::ok();
}

// What NOTIFY has to say of names: with everything that LIST knows of them (RFC 5465 sections 5.4 and 5.5).
void ImapConversation::tell_listed(std::span<const Notices::Name> told) {
  if (told.empty()) return;
  const Names names = names_of(*mail_);
  for (const Notices::Name& one : told) {
    const auto found = names.find(one.name);
    const Named named = found == names.end() ? Named{} : found->second;
    imap::ListEntry entry;
    entry.name = one.name;
    entry.separator = kSeparator;
    entry.attributes.non_existent = named.mailbox == nullptr;
    entry.attributes.has_children = named.has_children;
    entry.attributes.has_no_children = !named.has_children && named.mailbox != nullptr;
    entry.attributes.subscribed = named.subscribed;
    if (named.mailbox != nullptr) entry.attributes.special_uses.bits = to_imap(named.mailbox->special_use());
    entry.old_name = one.old_name;
    session_.respond().list(entry);
  }
}

// ---- the quota: one root, "", for all of the user's mail

void ImapConversation::tell_quota() {
  const store::Quota quota = mail_->quota();
  std::vector<imap::QuotaUsage> usages;
  if (quota.bytes_max != 0)
    usages.push_back({"STORAGE", (mail_->bytes_used() + 1023) / 1024, (quota.bytes_max + 1023) / 1024});
  if (quota.messages_max != 0) usages.push_back({"MESSAGE", mail_->messages_used(), quota.messages_max});
  session_.respond().quota("", usages);
}

Task<ImapConversation::Answer> ImapConversation::run(imap::GetQuota& command) {
  if (!command.root.empty()) co_return Answer::no(imap::codes::kNonExistent, "There is one quota root: \"\"");
  tell_quota();
  co_return Answer::ok();
}

Task<ImapConversation::Answer> ImapConversation::run(imap::GetQuotaRoot& command) {
  if (mail_->find(command.mailbox) == nullptr)
    co_return Answer::no(imap::codes::kNonExistent, "There is no such mailbox");
  constexpr std::string_view kRoots[] = {""};
  session_.respond().quota_root(command.mailbox, kRoots);
  tell_quota();
  co_return Answer::ok();
}

Task<ImapConversation::Answer> ImapConversation::run(imap::SetQuota&) {
  co_return Answer::no(imap::codes::kNoPerm, "Only the operator sets quotas: ringpost user quota");
}

}  // namespace ringpost::access
