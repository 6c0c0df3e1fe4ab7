// One sender's connection: greets, sends what is due, says goodbye.
//
// Layer: tool. Owner: the coroutine LoadCore::drive on one core.
// Cost:  a message is one or two sends of slices: commands, the patched front, the shared text, the patched
//        tail. Nothing is allocated once each slot has been used.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ringpost/mail/envelope.hpp"
#include "ringpost/smtp/client_session.hpp"

#include "limits.hpp"
#include "load_flow.hpp"
#include "smtp_core.hpp"

namespace ringpost::loadgen {

class SmtpFlow final : public LoadFlow {
 public:
  SmtpFlow(SmtpCore& owner, const Target& target);

 private:
  // One transaction on its way, with all that its sending refers to.
  struct Slot {
    bool busy = false;
    bool given = false;  // its bytes are among the pieces, not yet sent
    std::uint32_t transaction = 0;
    Job job;
    const Sample* sample = nullptr;
    mail::Envelope envelope;
    std::optional<SmtpCore::Domain> domain;  // of the envelope's recipients
    std::string commands;
    OwnParts own;
    std::uint64_t accepted = 0;  // recipients
    bool deferred = false;       // one was refused with 4yz
  };

  Task<bool> converse() override;
  Task<bool> greet();
  Task<void> talk();
  Task<void> idle();
  Task<void> say_quit();
  Task<smtp::ClientEvent> next_event();
  smtp::ClientEvent next();
  Task<void> exchange();
  Task<bool> send_pieces();

  bool may_begin();
  bool begin(const Job& job);
  void write_envelope(Slot& slot);
  void give_body(Slot& slot);
  void give(std::string_view text);
  void note_recipient(const smtp::ClientEvent& event);
  void note_final(const smtp::ClientEvent& event);
  void finish(Slot& slot, smtp::ClientEvent::Stage stage);
  void refuse(Slot& slot, const mail::Reply& reply);
  void close(const smtp::ClientEvent& event);
  Slot* free_slot();
  Slot& slot_of(const smtp::ClientEvent& event);
  const SmtpOptions& options() const { return owner_.plan_.options; }

  SmtpCore& owner_;
  sasl::Credentials credentials_;
  std::optional<smtp::ClientSession> session_;
  std::vector<Slot> slots_;
  std::vector<std::span<const std::byte>> pieces_;  // to be sent, in order
  std::uint64_t begun_ = 0;                         // on this connection
  std::size_t busy_ = 0;
  bool authenticated_ = false;
  bool quitting_ = false;
  bool turned_away_ = false;  // by a reply, before the first message
};

}  // namespace ringpost::loadgen
