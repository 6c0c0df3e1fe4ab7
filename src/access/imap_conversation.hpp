// One IMAP client's visit: executes the commands of its session on the mailboxes of its user.
//
// Layer:  services. Owner: the coroutine of one connection; after the login on the owner core of the user's mailboxes, and on that of
//         another user while a mailbox of his is selected: SELECT moves it there and back.
// Rights: of a mailbox that is another user's, looked at by each command on the core that has them (Reach, rights()).
// Files:  imap_conversation.cpp (the loop, IDLE), imap_select.cpp, imap_mailboxes.cpp (names), imap_list.cpp, imap_quota.cpp,
//         imap_acl.cpp, imap_fetch.cpp, imap_flags.cpp (STORE, EXPUNGE), imap_copy.cpp, imap_lessons.cpp, imap_steps.hpp (commands
//         that last), imap_append.cpp, imap_search.cpp, imap_metadata.cpp, imap_notify.cpp.
// RFCs:   9051, 3501 and those of imap/command.hpp.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "answer.hpp"
#include "listing.hpp"
#include "message_parts.hpp"
#include "names.hpp"
#include "notices.hpp"
#include "parcel.hpp"
#include "reach.hpp"
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
  std::string prepared;                 // when it is complete
  store::Incoming* incoming = nullptr;  // of the parcel that it is in
  store::Uid replaces;                  // REPLACE: what goes
};

class ImapConversation final : public SessionConversation<imap::ServerSession, imap::Event>, store::Listener {
 public:
  ImapConversation(Service& service, std::shared_ptr<const Snapshot> snapshot, std::size_t index,
                   net::Connection& connection);

 private:
  using Answer = access::Answer;

  void turn_away(std::string_view why) override { session_.close(why, imap::codes::kUnavailable); }
  bool logged_in() const override;
  bool in_idle() const override { return idling_; }
  void begin(std::shared_ptr<store::UserMail> mail) override;
  Task<bool> go_on() override;
  Task<void> leave() override;
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
  RP_OWN_FRAME Task<void> forget_user();
  void finish(const Answer& answer);
  // A mailbox is selected, is still there, and may still be read.
  bool has_selection() const {
    return selection_ && selection_->mailbox() != nullptr && rights().has(store::Right::read);
  }
  // What the user may do with the selected mailbox, now.
  store::Rights rights() const;
  bool is_own() const { return mail_->name() == user_; }
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
  Task<Answer> run(imap::Idle& command);
  // ---- imap_select.cpp
  Task<Answer> run(imap::Select& command);
  Task<Answer> run(imap::Close& command);
  Task<Answer> run(imap::Unselect& command);
  void tell_selected(const MailboxPath& path);
  std::string permanent_flags() const;
  void tell_since(const imap::Qresync& known);
  void tell_highest_mod_sequence();
  // ---- imap_mailboxes.cpp
  Task<Answer> run(imap::Create& command);
  Task<Answer> run(imap::Delete& command);
  Task<Answer> run(imap::Rename& command);
  Task<Answer> run(imap::Number& command);
  Task<Answer> run(imap::Subscribe& command);
  Task<Answer> run(imap::Status& command);
  void tell_status(const std::string& name, const StatusFacts& facts);
  Task<Answer> tell_status(MailboxPath path, imap::StatusItems items);
  StatusFacts status_of(const store::UserMail& mail, const store::Mailbox& mailbox,
                        imap::StatusItems items) const;
  // NOTIFY does not tell this client of what it has done itself.
  void made_name(const MailboxPath& path);
  // ---- imap_list.cpp
  Task<Answer> run(imap::Namespace& command);
  Task<Answer> run(imap::List& command);
  struct Telling;
  // All of one owner that match. An error: they cannot be had.
  Task<Answer> list_of(Telling& telling, MailboxPath whose);
  Task<void> list_of_others(Telling& telling);
  Task<void> list_rest(Telling& telling);
  // False: the client has gone.
  Task<bool> tell_levels_above(Telling& telling, MailboxPath whose);
  Task<bool> tell_above_subscribed(Telling& telling, std::string_view subscribed, std::string_view before);
  Task<bool> tell_level(Telling& telling, MailboxPath level);
  Task<bool> tell_one_of(Telling& telling, MailboxPath whose, ListedName named);
  Task<bool> tell_own(Telling& telling, ListedName named);
  Task<bool> tell_listed(Telling& telling, MailboxPath whose, ListedName named);
  void tell_listed(std::span<const Notices::Name> names);
  // ---- imap_quota.cpp
  Task<Answer> run(imap::GetQuota& command);
  Task<Answer> run(imap::GetQuotaRoot& command);
  Task<Answer> run(imap::SetQuota& command);
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
  // Of the user's own.
  store::MailboxId selected_id() const;
  void end_notify();
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
  Task<store::Outcome<store::FlagsChanged>> change_flags(store::UidSet which, store::FlagChange wanted);
  // Of the selected mailbox: whether its reader has the rights when a change of it has its turn.
  store::May still_has(store::Rights needed) const;
  Task<Answer> run(imap::Expunge& command);
  // ---- imap_copy.cpp
  Task<Answer> run(imap::Copy& command);
  Task<Answer> copy_within(store::UidSet which, MailboxPath path, bool moves);
  Task<Answer> copy_to_other(store::UidSet which, MailboxPath path, bool moves);
  struct Copies;
  Task<Answer> fill(Parcel& parcel, Copies& copies);
  Task<Result<store::Incoming*>> pour(Parcel& parcel, const store::Message& message);
  Task<Answer> take_out(store::MailboxId from, store::UidSet copied);
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
  void tell_damaged(const store::Message& message, const Error& why, std::string_view what);
  MessageParts::Damaged tells_unordered();
  Answer not_found(const Error& why, bool save, std::string_view code = imap::codes::kUnavailable);
  Answer unknown_charset();
  Task<Result<std::vector<store::Message>>> find(const imap::SearchKey& key, Steps& steps);
  // ---- imap_append.cpp
  RP_OWN_FRAME Task<void> begin_append();
  Task<Answer> admit(const imap::AppendMessage& message, StagedMessage& staged);
  const store::Message* find_replaced(const imap::Replaced& replaced) const;
  Answer refuse_replace(const imap::Replaced& replaced) const;
  void stage(std::span<const std::byte> bytes);
  RP_OWN_FRAME Task<void> store_staged();
  RP_OWN_FRAME Task<void> end_staged();
  RP_OWN_FRAME Task<void> finish_append();
  RP_OWN_FRAME Task<void> forget_append();
  Task<Answer> append();
  Task<Answer> replace(store::Uid old, store::NewMessage message);

  Reach reach_;
  std::shared_ptr<store::UserMail> home_;  // the user's own, at its core; null away from it
  std::shared_ptr<store::UserMail> mail_;  // that the selected mailbox is of
  std::optional<Selection> selection_;
  std::unique_ptr<Notifying> notifying_;  // since NOTIFY
  std::vector<store::Uid> fresh_;         // new in the selection: NOTIFY wants to know more of them
  store::UidSet own_;                     // but not of these
  bool idling_ = false;                   // in IDLE
  bool awaits_news_ = false;              // news wake the flow

  std::vector<StagedMessage> staged_;
  std::unique_ptr<Parcel> parcel_;  // of those
  std::optional<store::Failure> staging_error_;
};

}  // namespace ringpost::access
