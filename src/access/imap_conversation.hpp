// One IMAP client's visit: executes the commands of its session on the mailboxes of its user.
//
// Layer:  services. Owner: the coroutine of one connection; after the login on the owner core of the mailboxes.
// Files:  imap_conversation.cpp (the loop, IDLE, SELECT), imap_mailboxes.cpp (names), imap_fetch.cpp, imap_flags.cpp (STORE,
//         COPY, EXPUNGE), imap_lessons.cpp, imap_steps.hpp (commands that last), imap_append.cpp, imap_search.cpp, imap_metadata.cpp,
//         imap_notify.cpp.
// RFCs:   9051, 3501 and those of imap/command.hpp.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "message_parts.hpp"
#include "names.hpp"
#include "notices.hpp"
#include "selection.hpp"
#include "session_conversation.hpp"
#include "steps.hpp"

namespace ringpost::access {

// A message of an APPEND on its way in: a small one waits here, of a large one only what makes no chunk yet.
struct StagedMessage {
  imap::AppendMessage about;
  std::vector<buffer::Block> blocks;
  std::uint64_t taken = 0;
  mail::MimeReader reader;
  std::string prepared;  // when it is complete
  std::unique_ptr<store::Incoming> incoming;
  store::Uid replaces;  // REPLACE: what goes
};

class ImapConversation final : public SessionConversation<imap::ServerSession, imap::Event>, store::Listener {
 public:
  ImapConversation(Service& service, std::shared_ptr<const Snapshot> snapshot, std::size_t index,
                   net::Connection& connection);

 private:
  using Response = imap::StatusResponse;
  // What ends a command. Its texts live here, for a response has views only.
  struct Answer {
    imap::Condition condition = imap::Condition::ok;
    std::string code;
    std::string text;

    static Answer ok(std::string text = "Done", std::string code = {}) {
      return {imap::Condition::ok, std::move(code), std::move(text)};
    }
    static Answer no(std::string_view code, std::string text) {
      return {imap::Condition::no, std::string(code), std::move(text)};
    }
    static Answer bad(std::string text) { return {imap::Condition::bad, {}, std::move(text)}; }
    static Answer refused(const store::Failure& failure,
                          std::string_view no_mailbox = imap::codes::kNonExistent);
  };

  void turn_away(std::string_view why) override { session_.close(why, imap::codes::kUnavailable); }
  bool logged_in() const override;
  bool in_idle() const override { return idling_; }
  void begin(std::shared_ptr<store::UserMail> mail) override;
  void greet_known(std::shared_ptr<store::UserMail> mail) override;
  RP_OWN_FRAME Task<bool> answer(imap::Event event) override;
  void take_bytes(const imap::Event& event) override;
  std::size_t mail_in(const imap::Event& event) const override;
  void before_wait() override;
  void after_wait() override { idling_ = awaits_news_ = false; }
  bool has_news() const override;
  Task<void> tell_unasked() override;
  void changed() override;

  RP_OWN_FRAME Task<bool> answer_command();
  Task<Answer> execute();
  void forget_user();
  void finish(const Answer& answer);
  // The mailbox is selected, and still there.
  bool has_selection() const { return selection_ && selection_->mailbox() != nullptr; }
  // `own`: the command has done some of it, and its client must count with it.
  void tell_news(bool expunges, const store::UidSet& known = {}, bool own = false);
  void note_fresh(store::Uid first_new);
  void notice_gone();
  // What lasts, told to the client of this conversation.
  class ToldSteps;
  // Sends when much is waiting, and lets others of this core have their turn. False: the client has gone.
  Task<bool> relieve(std::size_t& steps);

  // ---- imap_conversation.cpp
  Task<Answer> run(imap::Noop& command);
  Task<Answer> run(imap::Check& command);
  Task<Answer> run(imap::Namespace& command);
  Task<Answer> run(imap::Idle& command);
  Task<Answer> run(imap::Select& command);
  Task<Answer> run(imap::Close& command);
  Task<Answer> run(imap::Unselect& command);
  void tell_selected(const imap::Select& command);
  void tell_since(const imap::Qresync& known);
  void tell_highest_mod_sequence();
  // ---- imap_mailboxes.cpp
  Task<Answer> run(imap::Create& command);
  Task<Answer> run(imap::Delete& command);
  Task<Answer> run(imap::Rename& command);
  Task<Answer> run(imap::Number& command);
  Task<Answer> run(imap::Subscribe& command);
  Task<Answer> run(imap::Status& command);
  Task<Answer> run(imap::List& command);
  Task<Answer> run(imap::GetQuota& command);
  Task<Answer> run(imap::GetQuotaRoot& command);
  Task<Answer> run(imap::SetQuota& command);
  void tell_status(const store::Mailbox& mailbox, imap::StatusItems items);
  void tell_quota();
  void tell_listed(std::span<const Notices::Name> names);
  // ---- imap_notify.cpp
  struct Notifying {
    Notifying(store::UserMail& user, imap::Notify wanted, store::Listener& listener)
        : notices(
              std::move(wanted), [&user](std::string_view name) { return user.subscribed(name); }, listener),
          watch(user, notices) {}
    Notices notices;
    store::Watch watch;
  };
  Task<Answer> run(imap::Notify& command);
  void notify(imap::Notify wanted);
  store::MailboxId selected_id() const;
  // With a command that allows it, or without one.
  Task<void> tell_what_happened(bool expunges);
  Task<void> fetch_fresh();
  void tell_notices();
  // By this client: NOTIFY does not tell it of them.
  void made_messages(store::MailboxId in, const store::UidSet& uids);
  // ---- imap_metadata.cpp
  Task<Answer> run(imap::GetMetadata& command);
  Task<Answer> run(imap::SetMetadata& command);
  // ---- imap_acl.cpp
  Task<Answer> run(imap::GetAcl& command);
  Task<Answer> run(imap::SetAcl& command);
  Task<Answer> run(imap::DeleteAcl& command);
  Task<Answer> run(imap::ListRights& command);
  Task<Answer> run(imap::MyRights& command);
  // ---- imap_flags.cpp
  Task<Answer> run(imap::Store& command);
  Task<Answer> run(imap::Copy& command);
  Task<Answer> run(imap::Expunge& command);
  // ---- imap_lessons.cpp
  std::optional<SpamTeacher::Lesson> lesson_of(store::MailboxId from, store::MailboxId to) const;
  Task<void> teach(SpamTeacher::Lesson lesson, store::MailboxId in, store::UidSet which);
  // ---- imap_fetch.cpp
  Task<Answer> run(imap::Fetch& command);
  Task<Result<void>> fetch_one(const imap::Fetch& command, store::Message message, bool tells_flags);
  // The bytes that an item asks for.
  struct FoundBytes {
    bool nothing = false;                 // there is no such part
    std::optional<std::string> text;      // all of them, before they are clipped
    MessageParts::Range range;            // else where they stand, clipped
    std::optional<store::Content> first;  // of the range; none: it is empty
    std::uint64_t held() const { return text ? text->size() : first ? first->size() : 0; }
  };
  Task<Result<FoundBytes>> find_bytes(const imap::FetchItem& item, MessageParts& parts);
  Task<Result<FoundBytes>> first_of(MessageParts& parts, MessageParts::Range range);
  Task<Result<void>> tell_late(imap::FetchWriter& fetch, const imap::FetchItem& item, MessageParts& parts);
  Task<Result<void>> tell_bytes(imap::FetchWriter& fetch, const imap::FetchItem& item, MessageParts& parts,
                                FoundBytes found);
  Task<Result<void>> send_range(MessageParts& parts, MessageParts::Range range, store::Content first);
  Task<Result<void>> set_seen(const store::UidSet& which);
  // ---- imap_search.cpp
  Task<Answer> run(imap::Search& command);
  Task<Answer> run(imap::Sort& command);
  Task<Answer> run(imap::Thread& command);
  Task<std::set<std::string>> names_that_match(const imap::List& command);
  void tell_damaged(const store::Message& message, const Error& why);
  Task<Result<std::vector<store::Message>>> find(const imap::SearchKey& key, Steps& steps);
  // ---- imap_append.cpp
  void begin_append();
  void stage(std::span<const std::byte> bytes);
  RP_OWN_FRAME Task<void> store_staged();
  RP_OWN_FRAME Task<void> end_staged();
  RP_OWN_FRAME Task<void> finish_append();
  void forget_append();
  const store::Message* find_replaced(const imap::Replaced& replaced) const;
  void refuse_replace(const imap::Replaced& replaced);
  RP_OWN_FRAME Task<void> replace(store::Uid old, store::MailboxId to, const store::NewMessage& message);

  std::shared_ptr<store::UserMail> mail_;
  std::optional<Selection> selection_;
  std::unique_ptr<Notifying> notifying_;  // since NOTIFY
  std::vector<store::Uid> fresh_;         // new in the selection: NOTIFY wants to know more of them
  store::UidSet own_;                     // but not of these
  bool idling_ = false;                   // in IDLE
  bool awaits_news_ = false;              // news wake the flow

  std::vector<StagedMessage> staged_;
  std::optional<Error> staging_error_;
};

}  // namespace ringpost::access
