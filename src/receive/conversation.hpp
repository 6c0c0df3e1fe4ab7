// One client's visit, from the greeting to the goodbye: turns the events of its session into decisions.
//
// Layer:  services. Owner: the coroutine Service::serve on one core. Holds the snapshot it began with.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "ringpost/intake/intake.hpp"
#include "ringpost/net/connection.hpp"
#include "ringpost/observe/trace.hpp"
#include "ringpost/receive/service.hpp"
#include "ringpost/smtp/server_session.hpp"

#include "repeats.hpp"

namespace ringpost::receive {

class Conversation final : public net::Guest {
 public:
  Conversation(Service& service, std::shared_ptr<const Snapshot> snapshot, std::size_t index,
               net::Connection& connection);

  // PROXY header, limits, implicit TLS, greeting; then until one side leaves.
  Task<void> run();
  // The server is going down: says so as soon as no transaction is open.
  void nudge() override { connection_.nudge(); }
  void abort() override { connection_.abort(); }

  friend FramePool& frame_pool(Conversation& conversation) { return conversation.service_.core().frames(); }

 private:
  enum class Next : std::uint8_t { go_on, leave };

  // An idle client waits in run, talk and wait_for_input: the other steps have frames of their own.
  RP_OWN_FRAME Task<bool> admit();
  RP_OWN_FRAME Task<void> turn_away(mail::Reply reply);
  RP_OWN_FRAME Task<bool> greet();
  Task<void> talk();
  Task<Next> wait_for_input();
  RP_OWN_FRAME Task<bool> send();
  RP_OWN_FRAME Task<bool> start_tls();
  void offer_mechanisms();
  RP_OWN_FRAME Task<void> authenticate();
  accounts::LoginClient login_client() const { return {connection_.peer().address, listening_.name}; }
  RP_OWN_FRAME Task<void> judge_sender();
  policy::Verdict judge_recipient() const;
  RP_OWN_FRAME Task<void> judge_listed_recipient();
  void answer_recipient(const policy::Verdict& verdict);
  // Whether DNS lists have a say about this client.
  bool is_listed_mail() const;
  RP_OWN_FRAME Task<std::optional<mail::Reply>> ask_blocklists(bool client_only);
  void begin_body();
  RP_OWN_FRAME Task<void> more_room();
  RP_OWN_FRAME Task<void> finish_message();
  void note_reset();
  void note_rejected(const mail::Reply& reply, std::string_view recipient);

  // Null unless somebody traces this session.
  observe::SessionTrace* traced();
  void trace_input(std::span<const std::byte> consumed);

  Instant deadline() const;
  intake::Origin origin() const;
  policy::Client client() const;
  intake::Direction find_direction() const;
  std::span<std::byte> target();
  // Of the message whose body comes.
  const mail::Envelope& envelope() const {
    return without_repeats_ ? without_repeats_->envelope : session_.envelope();
  }

  Service& service_;
  std::shared_ptr<const Snapshot> snapshot_;
  std::size_t index_;
  const Listening& listening_;
  net::Connection& connection_;
  smtp::ServerSession session_;
  std::optional<intake::Draft> draft_;
  std::unique_ptr<const WithoutRepeats> without_repeats_;  // of the message whose body comes, if it needs it
  std::optional<mail::Reply> doomed_;  // the body is being dropped; this is said at its end
  intake::Direction direction_ = intake::Direction::inbound;  // of the message whose body comes
  std::string tls_text_;
  observe::Traced trace_;
  std::uint32_t messages_ = 0;
  // What DNS lists said, while nothing of what they were asked about changes.
  struct Listed {
    std::string helo, sender, recipient_domain;
    std::optional<mail::Reply> reply;
  };
  std::optional<Listed> listed_;
  bool counted_ = false;  // the client's address was counted and must be uncounted
};

}  // namespace ringpost::receive
