// One POP3 client's visit: the inbox as a maildrop.
//
// Layer:  services. Owner: the coroutine of one connection; after the login on the owner core of the mailbox.
// Drop:   what was in the inbox at the login. New mail comes in meanwhile, and is there at the next login: nothing locks
//         anything but a second POP3 session of the same user, as RFC 1939 section 8 wants it.
// RFCs:   1939, 2449, 6856.
#pragma once

#include <string>
#include <vector>

#include "ringpost/pop3/message_writer.hpp"

#include "session_conversation.hpp"

namespace ringpost::access {

class Pop3Conversation final : public SessionConversation<pop3::ServerSession, pop3::Event> {
 public:
  Pop3Conversation(Service& service, std::shared_ptr<const Snapshot> snapshot, std::size_t index,
                   net::Connection& connection);
  ~Pop3Conversation() override;

 private:
  struct Item {
    store::Message message;
    bool deleted = false;
  };

  void turn_away(std::string_view why) override { session_.close(why, pop3::ResponseCode::sys_temp); }
  bool logged_in() const override { return session_.state() == pop3::State::transaction; }
  void begin(std::shared_ptr<store::UserMail> mail) override;
  RP_OWN_FRAME Task<bool> answer(pop3::Event event) override;

  RP_OWN_FRAME Task<bool> answer_command();
  Item* item(std::uint32_t number);
  void stat();
  void list(bool ids);
  std::string line_of(std::size_t index, bool ids) const;
  Task<bool> retrieve(const pop3::Command& command);
  void refuse_message(const Error& why);
  bool put_output();
  Task<bool> send_part(pop3::MessageWriter& writer, const store::Content& part);
  bool copy(std::span<const pop3::MessageWriter::Piece> pieces);
  Task<bool> flush(std::span<const pop3::MessageWriter::Piece> pieces);
  RP_OWN_FRAME Task<void> update();
  void leave_drop();

  std::shared_ptr<store::UserMail> mail_;
  std::uint32_t uid_validity_ = 0;
  std::vector<Item> drop_;
  bool holds_drop_ = false;
};

}  // namespace ringpost::access
