// ACL (RFC 4314): who may do what with a mailbox.
#include <array>

#include "ringpost/store/limits.hpp"

#include "imap_conversation.hpp"

// NOLINTBEGIN(*-avoid-capturing-lambda-coroutines): each is kept by who waits for it
namespace ringpost::access {

namespace {

using store::Right;

// "-Anna@Example.com" takes rights from anna@example.com.
std::string canonical_identifier(std::string_view text) {
  const bool negative = text.starts_with('-');
  return (negative ? "-" : "") + canonical_user(negative ? text.substr(1) : text);
}
std::string_view whom(std::string_view identifier) {
  return identifier.starts_with('-') ? identifier.substr(1) : identifier;
}

store::RightsChange change_of(imap::SetAcl::How how) {
  switch (how) {
    case imap::SetAcl::How::add:
      return store::RightsChange::add;
    case imap::SetAcl::How::remove:
      return store::RightsChange::remove;
    case imap::SetAcl::How::replace:
      break;
  }
  return store::RightsChange::replace;
}

Answer owner_has_all() {
  return Answer::no(imap::codes::kCannot, "The owner has all rights, always");
}

}  // namespace

Task<Answer> ImapConversation::run(imap::GetAcl& command) {
  const MailboxPath path = co_await reach_.path_to(command.mailbox);
  std::vector<imap::AclEntry> entries;
  const Reach::AtMailbox look = [&](store::UserMail& mail, const store::Mailbox& mailbox,
                                    store::Rights) -> Task<Answer> {
    entries.push_back({mail.name(), store::Rights::all().with_obsolete()});
    for (const auto& [identifier, rights] : mail.access_list(mailbox.id()))
      entries.push_back({identifier, rights.with_obsolete()});
    co_return Answer::ok();
  };
  Answer answer = co_await reach_.at(path, Right::administer, look);
  if (answer.is_ok()) session_.respond().acl(command.mailbox, entries);
  co_return answer;
}

// Whether there is a user of the name is not asked, and not said: one who comes later has what was given to the name.
Task<Answer> ImapConversation::run(imap::SetAcl& command) {
  const MailboxPath path = co_await reach_.path_to(command.mailbox);
  const std::string identifier = canonical_identifier(command.identifier);
  const auto rights = store::Rights::parse(command.rights);
  if (!rights) co_return Answer::bad("There are no such rights");
  const Reach::AtMailbox set = [&](store::UserMail& mail, const store::Mailbox& mailbox,
                                   store::Rights) -> Task<Answer> {
    if (whom(identifier) == mail.name()) co_return owner_has_all();
    const bool gives = command.how != imap::SetAcl::How::remove && !rights->empty();
    if (gives && whom(identifier) == store::kAnyone && !snapshot_->shares_with_anyone)
      co_return Answer::no(imap::codes::kNoPerm, "Mailboxes are not shared with everybody here");
    auto done = co_await mail.set_access(mailbox.id(), identifier, *rights, change_of(command.how),
                                         still_may(mail, mailbox.id(), Right::administer, user_));
    co_return done ? Answer::ok() : Answer::refused(done.error());
  };
  co_return co_await reach_.at(path, Right::administer, set);
}

Task<Answer> ImapConversation::run(imap::DeleteAcl& command) {
  const MailboxPath path = co_await reach_.path_to(command.mailbox);
  const std::string identifier = canonical_identifier(command.identifier);
  const Reach::AtMailbox take = [&](store::UserMail& mail, const store::Mailbox& mailbox,
                                    store::Rights) -> Task<Answer> {
    if (whom(identifier) == mail.name()) co_return owner_has_all();
    auto done = co_await mail.set_access(mailbox.id(), identifier, {}, store::RightsChange::replace,
                                         still_may(mail, mailbox.id(), Right::administer, user_));
    co_return done ? Answer::ok() : Answer::refused(done.error());
  };
  co_return co_await reach_.at(path, Right::administer, take);
}

// Each right can be given without the others.
Task<Answer> ImapConversation::run(imap::ListRights& command) {
  constexpr std::array<std::string_view, 13> kEach{"l", "r", "s", "w", "i", "p", "k",
                                                   "x", "t", "e", "c", "d", "a"};
  const MailboxPath path = co_await reach_.path_to(command.mailbox);
  const std::string identifier = canonical_identifier(command.identifier);
  bool of_owner = false;
  const Reach::AtMailbox look = [&](store::UserMail& mail, const store::Mailbox&,
                                    store::Rights) -> Task<Answer> {
    of_owner = whom(identifier) == mail.name();
    co_return Answer::ok();
  };
  Answer answer = co_await reach_.at(path, Right::administer, look);
  if (!answer.is_ok()) co_return answer;
  const bool fixed = of_owner || (whom(identifier) == store::kAnyone && !snapshot_->shares_with_anyone);
  session_.respond().list_rights(command.mailbox, command.identifier,
                                 of_owner ? store::Rights::all().with_obsolete() : "",
                                 fixed ? std::span<const std::string_view>{} : kEach);
  co_return answer;
}

Task<Answer> ImapConversation::run(imap::MyRights& command) {
  const MailboxPath path = co_await reach_.path_to(command.mailbox);
  store::Rights mine;
  const Reach::AtMailbox look = [&](store::UserMail&, const store::Mailbox&,
                                    store::Rights rights) -> Task<Answer> {
    mine = rights;
    co_return rights.has_any(kSeen) ? Answer::ok() : Answer::no_mailbox();
  };
  Answer answer = co_await reach_.at(path, {}, look);
  if (answer.is_ok()) session_.respond().my_rights(command.mailbox, mine.with_obsolete());
  co_return answer;
}

}  // namespace ringpost::access
// NOLINTEND(*-avoid-capturing-lambda-coroutines)
