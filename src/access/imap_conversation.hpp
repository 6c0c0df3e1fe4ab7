// One IMAP client's visit: executes the commands of its session on the mailboxes of its user.
//
// Layer:  services. Owner: the coroutine of one connection; after the login on the owner core of the mailboxes.
// Files:  imap_conversation.cpp (the loop, IDLE, SELECT), imap_mailboxes.cpp (names), imap_fetch.cpp, imap_flags.cpp (STORE,
//         COPY, EXPUNGE), imap_append.cpp, imap_search.cpp.
// RFCs:   9051, 3501 and those of imap/command.hpp.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "conversation.hpp"
#include "message_parts.hpp"
#include "names.hpp"
#include "selection.hpp"

namespace ringpost::access {

class ImapConversation final : public Conversation, store::Listener {
 public:
  ImapConversation(Service& service, std::shared_ptr<const Snapshot> snapshot, std::size_t index,
                   net::Connection& connection);

  void take_session(Passage& passage) override;

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

  void greet() override { session_.greet(); }
  void turn_away(std::string_view why) override { session_.close(why, imap::codes::kUnavailable); }
  Task<void> talk() override;
  std::string_view output() const override { return session_.output(); }
  void output_sent(std::size_t size) override { session_.output_sent(size); }
  sasl::Credentials& credentials() override { return session_.credentials(); }
  void refuse_login(accounts::Login why) override;
  void begin(std::shared_ptr<store::UserMail> mail) override;
  void give_session(Passage& passage) override;
  void changed() override;

  Instant deadline() const;
  RP_OWN_FRAME Task<bool> answer_command();
  Task<Answer> execute();
  void finish(const Answer& answer);
  // The mailbox is selected, and still there.
  bool has_selection() const { return selection_ && selection_->mailbox() != nullptr; }
  void tell_news(bool expunges, const store::UidSet& known = {});
  void notice_gone();
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
  // ---- imap_mailboxes.cpp
  Task<Answer> run(imap::Create& command);
  Task<Answer> run(imap::Delete& command);
  Task<Answer> run(imap::Rename& command);
  Task<Answer> run(imap::Subscribe& command);
  Task<Answer> run(imap::Status& command);
  Task<Answer> run(imap::List& command);
  Task<Answer> run(imap::GetQuota& command);
  Task<Answer> run(imap::GetQuotaRoot& command);
  Task<Answer> run(imap::SetQuota& command);
  void tell_status(const store::Mailbox& mailbox, imap::StatusItems items);
  void tell_quota();
  // ---- imap_flags.cpp
  Task<Answer> run(imap::Store& command);
  Task<Answer> run(imap::Copy& command);
  Task<Answer> run(imap::Expunge& command);
  // ---- imap_fetch.cpp
  Task<Answer> run(imap::Fetch& command);
  Task<Result<void>> fetch_one(const imap::Fetch& command, store::Message message, bool tells_flags);
  Task<Result<void>> tell_section(imap::FetchWriter& fetch, const imap::FetchItem& item, MessageParts& parts);
  Task<Result<void>> send_range(MessageParts& parts, std::uint64_t offset, std::uint64_t size);
  Task<Result<void>> set_seen(const store::UidSet& which);
  // ---- imap_search.cpp
  Task<Answer> run(imap::Search& command);
  Task<Answer> run(imap::Sort& command);
  Task<Answer> run(imap::Thread& command);
  Task<Result<std::vector<store::Message>>> find(const imap::SearchKey& key);
  // ---- imap_append.cpp
  RP_OWN_FRAME Task<void> begin_append();
  RP_OWN_FRAME Task<void> finish_append();
  void stage(std::span<const std::byte> bytes);
  void forget_append();

  imap::ServerSession session_;
  std::shared_ptr<store::UserMail> mail_;
  std::optional<Selection> selection_;
  bool idling_ = false;  // in IDLE: news wake the flow

  // Messages of an APPEND on their way in.
  struct Staged {
    imap::AppendMessage facts;
    std::vector<buffer::Block> blocks;
    mail::MimeReader reader;
  };
  std::vector<Staged> staged_;
  bool short_of_memory_ = false;
};

}  // namespace ringpost::access
