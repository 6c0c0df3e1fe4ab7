#include "reach.hpp"

// NOLINTBEGIN(*-avoid-capturing-lambda-coroutines): each is kept by who waits for it
namespace ringpost::access {

Task<MailboxPath> Reach::path_to(std::string name) {
  if (others_ && is_among_others(name)) {
    bool own = false;
    co_await store_.at_owner(reader_, [&](store::UserMail& mail) -> Task<void> {
      own = mail.find(name) != nullptr;
      co_return;
    });
    if (!own) co_return path_among_others(name, reader_);
  }
  co_return MailboxPath{.owner = reader_, .name = std::move(name)};
}

bool Reach::may_be_there(const MailboxPath& path) const {
  if (!path.others) return true;
  return others_ && !path.owner.empty() && store_.shares_with(path.owner, reader_);
}

Task<Answer> Reach::at_owner(MailboxPath path, AtMail work, Answer missing) {
  if (!may_be_there(path)) co_return missing;
  // His own mail is there as long as he is logged in, but for a start or an end of the server.
  Answer answer =
      path.others ? std::move(missing) : Answer::no(imap::codes::kUnavailable, "The mailboxes are not open");
  co_await store_.at_owner(path.owner,
                           [&](store::UserMail& mail) -> Task<void> { answer = co_await work(mail); });
  co_return answer;
}

Task<Answer> Reach::at_own(AtMail work) {
  return at_owner({.owner = reader_, .name = {}}, std::move(work));
}

Task<Answer> Reach::at(MailboxPath path, store::Rights needed, AtMailbox work, std::string_view missing) {
  const Answer none = Answer::no_mailbox(missing);
  const AtMail look = [&](store::UserMail& mail) -> Task<Answer> {
    const store::Mailbox* mailbox = mail.find(path.name);
    if (mailbox == nullptr) co_return none;
    const store::Rights rights = rights_of(mail, mailbox->id(), reader_);
    if (rights.has_all(needed)) co_return co_await work(mail, *mailbox, rights);
    if (!rights.has(store::Right::lookup)) co_return none;
    co_return Answer::not_allowed();
  };
  co_return co_await at_owner(path, look, none);
}

}  // namespace ringpost::access
// NOLINTEND(*-avoid-capturing-lambda-coroutines)
