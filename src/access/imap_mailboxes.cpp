// Mailboxes by name: making, deleting, renaming, counting.
#include <bit>

#include "imap_conversation.hpp"

// NOLINTBEGIN(*-avoid-capturing-lambda-coroutines): each is kept by who waits for it
namespace ringpost::access {

namespace {

using store::Right;

constexpr const char* kNotAmongOthers = "What is below \"Other Users\" belongs to them";

// Of the mailboxes above a name, the nearest that there is.
store::Rights rights_above(const store::UserMail& mail, std::string_view name, std::string_view reader) {
  for (std::string_view parent = parent_of(name); !parent.empty(); parent = parent_of(parent))
    if (const store::Mailbox* mailbox = mail.find(parent)) return rights_of(mail, mailbox->id(), reader);
  return mail.name() == reader ? store::Rights::all() : store::Rights{};
}

// Who may not make a mailbox hears the same, whatever there is.
Answer may_not_make() {
  return Answer::no(imap::codes::kNoPerm, "You may not make a mailbox there");
}

// OK when the reader may make a mailbox of this name.
Answer may_make(const store::UserMail& mail, const MailboxPath& path, std::string_view reader) {
  if (!rights_above(mail, path.name, reader).has(Right::create)) return may_not_make();
  const store::Mailbox* there = mail.find(path.name);
  if (there == nullptr) return Answer::ok();
  if (!rights_of(mail, there->id(), reader).has(Right::lookup)) return may_not_make();
  return Answer::no(imap::codes::kAlreadyExists, "The mailbox exists");
}

// The same when the change has its turn; of one that is there the store says so. All that is named lives until then.
store::May still_may_make(const store::UserMail& mail, const MailboxPath& path, std::string_view reader) {
  if (!path.others) return {};
  return [&mail, &path, reader]() -> store::Outcome<> {
    Answer may = may_make(mail, path, reader);
    if (may.code == imap::codes::kNoPerm) return not_allowed(std::move(may.text));
    return {};
  };
}

store::May still_may_rename(const store::UserMail& mail, store::MailboxId mailbox, const MailboxPath& to,
                            std::string_view reader) {
  if (!to.others) return {};
  return [&mail, mailbox, &to, reader]() -> store::Outcome<> {
    RP_CHECK(may(mail, mailbox, Right::remove, reader));
    return still_may_make(mail, to, reader)();
  };
}

}  // namespace

void ImapConversation::made_name(const MailboxPath& path) {
  if (!notifying_ || path.others) return;
  const store::Mailbox* now = home_->find(path.name);
  notifying_->notices.forget_name(now == nullptr ? path.name : now->name());
}

Task<Answer> ImapConversation::run(imap::Create& command) {
  if (std::popcount(command.special_uses.bits) > 1)
    co_return Answer::no(imap::codes::kUseAttr, "A mailbox has one use");
  const MailboxPath path = co_await reach_.path_to(command.mailbox);
  if (is_among_others(command.mailbox) && (path.name.empty() || !path.others))
    co_return Answer::no(imap::codes::kCannot, kNotAmongOthers);
  if (path.others && command.special_uses.bits != 0)
    co_return Answer::no(imap::codes::kUseAttr, "The uses of mailboxes are their owner's");
  const Reach::AtMail make = [&](store::UserMail& mail) -> Task<Answer> {
    if (Answer may = may_make(mail, path, user_); !may.is_ok()) co_return may;
    auto made =
        co_await mail.create(path.name, to_store(command.special_uses), still_may_make(mail, path, user_));
    if (!made) co_return Answer::refused(made.error());
    co_return Answer::ok("Created", imap::codes::mailbox_id(store::object_id(mail.id(), *made)));
  };
  Answer answer = co_await reach_.at_owner(path, make, may_not_make());
  // "a/" only says that names below it will come.
  if (command.only_parent && answer.code == imap::codes::kAlreadyExists) co_return Answer::ok();
  if (answer.is_ok()) made_name(path);
  co_return answer;
}

Task<Answer> ImapConversation::run(imap::Delete& command) {
  const MailboxPath path = co_await reach_.path_to(command.mailbox);
  std::string name;
  const Reach::AtMailbox remove = [&](store::UserMail& mail, const store::Mailbox& mailbox,
                                      store::Rights) -> Task<Answer> {
    name = mailbox.name();
    auto deleted = co_await mail.remove(mailbox.id(), still_may(mail, mailbox.id(), Right::remove, user_));
    co_return deleted ? Answer::ok("Deleted") : Answer::refused(deleted.error());
  };
  Answer answer = co_await reach_.at(path, Right::remove, remove);
  if (answer.is_ok()) made_name({.owner = path.owner, .name = std::move(name), .others = path.others});
  co_return answer;
}

Task<Answer> ImapConversation::run(imap::Rename& command) {
  const MailboxPath from = co_await reach_.path_to(command.from);
  const MailboxPath to = co_await reach_.path_to(command.to);
  if (is_among_others(command.to) && (to.name.empty() || !to.others))
    co_return Answer::no(imap::codes::kCannot, kNotAmongOthers);
  const Reach::AtMailbox rename = [&](store::UserMail& mail, const store::Mailbox& mailbox,
                                      store::Rights) -> Task<Answer> {
    if (from.owner != to.owner) co_return Answer::no(imap::codes::kCannot, "A mailbox stays with its owner");
    if (from.others && mailbox.id() == store::kInbox)
      co_return Answer::no(imap::codes::kCannot, "The inbox is its owner's to rename");
    if (Answer may = may_make(mail, to, user_); !may.is_ok()) co_return may;
    auto renamed =
        co_await mail.rename(mailbox.id(), to.name, still_may_rename(mail, mailbox.id(), to, user_));
    co_return renamed ? Answer::ok("Renamed") : Answer::refused(renamed.error());
  };
  Answer answer = co_await reach_.at(from, Right::remove, rename);
  if (answer.is_ok()) made_name(to);
  co_return answer;
}

Task<Answer> ImapConversation::run(imap::Number& command) {
  const Reach::AtMailbox number = [&](store::UserMail& mail, const store::Mailbox& mailbox,
                                      store::Rights) -> Task<Answer> {
    auto numbered = co_await mail.number(mailbox.id(), command.uid_validity, store::Uid{command.uid_next});
    co_return numbered ? Answer::ok("Numbered") : Answer::refused(numbered.error());
  };
  co_return co_await reach_.at(co_await reach_.path_to(command.mailbox), store::Rights::all(), number);
}

// Of names, whoever's they are and whether there is something of the name or not.
Task<Answer> ImapConversation::run(imap::Subscribe& command) {
  const Reach::AtMail subscribe = [&](store::UserMail& mail) -> Task<Answer> {
    auto done = co_await mail.subscribe(command.mailbox, command.subscribe);
    co_return done ? Answer::ok() : Answer::refused(done.error());
  };
  Answer answer = co_await reach_.at_own(subscribe);
  if (answer.is_ok() && notifying_) notifying_->notices.forget_name(command.mailbox);
  co_return answer;
}

Task<Answer> ImapConversation::run(imap::Status& command) {
  co_return co_await tell_status(co_await reach_.path_to(command.mailbox), command.items);
}

Task<Answer> ImapConversation::tell_status(MailboxPath path, imap::StatusItems items) {
  StatusFacts facts;
  std::string name;
  const Reach::AtMailbox look = [&](store::UserMail& mail, const store::Mailbox& mailbox,
                                    store::Rights) -> Task<Answer> {
    name = path.shown(mailbox.name());
    facts = status_of(mail, mailbox, items);
    co_return Answer::ok();
  };
  Answer answer = co_await reach_.at(path, Right::read, look);
  if (answer.is_ok()) tell_status(name, facts);
  co_return answer;
}

void ImapConversation::tell_status(const std::string& name, const StatusFacts& facts) {
  imap::StatusValues values = facts.values;
  values.mailbox_id = facts.mailbox_id;
  session_.respond().status_of(name, values);
}

// On the core of the mailbox.
StatusFacts ImapConversation::status_of(const store::UserMail& mail, const store::Mailbox& mailbox,
                                        imap::StatusItems items) const {
  const auto number = [](std::size_t count) { return static_cast<std::uint32_t>(count); };
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
                            .mailbox_id = {}};
  if (items.has(imap::StatusItems::kDeletedStorage))
    for (const store::Message& message : mailbox.messages())
      if (has(message.flags, store::Flags::deleted)) values.deleted_storage += message.size;
  return {.values = values, .mailbox_id = store::object_id(mail.id(), mailbox.id())};
}

}  // namespace ringpost::access
// NOLINTEND(*-avoid-capturing-lambda-coroutines)
