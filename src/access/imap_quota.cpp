// QUOTA: of each owner one root, for all of his mail: "" of the user himself, "Other Users/NAME" of another.
#include "imap_conversation.hpp"

// NOLINTBEGIN(*-avoid-capturing-lambda-coroutines): each is kept by who waits for it
namespace ringpost::access {

namespace {

struct QuotaFacts {
  store::Quota quota;
  std::uint64_t bytes = 0;
  std::uint64_t messages = 0;
};

QuotaFacts quota_of(const store::UserMail& mail) {
  return {.quota = mail.quota(), .bytes = mail.bytes_used(), .messages = mail.messages_used()};
}

void tell_quota(imap::ResponseWriter respond, std::string_view root, const QuotaFacts& facts) {
  std::vector<imap::QuotaUsage> usages;
  if (facts.quota.bytes_max != 0)
    usages.push_back({"STORAGE", (facts.bytes + 1023) / 1024, (facts.quota.bytes_max + 1023) / 1024});
  if (facts.quota.messages_max != 0) usages.push_back({"MESSAGE", facts.messages, facts.quota.messages_max});
  respond.quota(root, usages);
}

bool may_read_some(const store::UserMail& mail, std::string_view reader) {
  return std::ranges::any_of(mail.mailboxes(), [&](const store::Mailbox* mailbox) {
    return rights_of(mail, mailbox->id(), reader).has(store::Right::read);
  });
}

}  // namespace

Task<Answer> ImapConversation::run(imap::GetQuota& command) {
  MailboxPath path{.owner = user_, .name = {}};
  if (!command.root.empty()) path = path_among_others(command.root, user_);
  const bool is_root = command.root.empty() || (is_among_others(command.root) && path.name.empty());
  const Answer none = Answer::no(imap::codes::kNonExistent, "There is no such quota root");
  if (!is_root) co_return none;
  QuotaFacts facts;
  const Reach::AtMail look = [&](store::UserMail& mail) -> Task<Answer> {
    if (!may_read_some(mail, user_)) co_return none;
    facts = quota_of(mail);
    co_return Answer::ok();
  };
  Answer answer = co_await reach_.at_owner(path, look, none);
  if (answer.is_ok()) tell_quota(session_.respond(), path.shown(""), facts);
  co_return answer;
}

Task<Answer> ImapConversation::run(imap::GetQuotaRoot& command) {
  const MailboxPath path = co_await reach_.path_to(command.mailbox);
  QuotaFacts facts;
  const Reach::AtMailbox look = [&](store::UserMail& mail, const store::Mailbox&,
                                    store::Rights) -> Task<Answer> {
    facts = quota_of(mail);
    co_return Answer::ok();
  };
  Answer answer = co_await reach_.at(path, store::Right::read, look);
  if (!answer.is_ok()) co_return answer;
  const std::string root = path.shown("");
  const std::string_view roots[] = {root};
  session_.respond().quota_root(command.mailbox, roots);
  tell_quota(session_.respond(), root, facts);
  co_return answer;
}

Task<Answer> ImapConversation::run(imap::SetQuota&) {
  co_return Answer::no(imap::codes::kNoPerm, "Only the operator sets quotas: ringpost user quota");
}

}  // namespace ringpost::access
// NOLINTEND(*-avoid-capturing-lambda-coroutines)
