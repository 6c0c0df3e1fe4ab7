// One client's visit to the sink: everything is taken, unless the options say otherwise.
//
// Layer: tool. Owner: the coroutine SinkCore::serve. Holds no message: bytes go to the checksum as they come.
#pragma once

#include <string>

#include "ringpost/net/connection.hpp"
#include "ringpost/smtp/server_session.hpp"

#include "body_check.hpp"
#include "sink_core.hpp"

namespace ringpost::loadgen {

class SinkConversation final : public ListLink<> {
 public:
  SinkConversation(SinkCore& sink, PersonaState& receiver, net::Connection& connection);
  ~SinkConversation();

  Task<void> run();
  void nudge() { connection_.nudge(); }
  void abort() { connection_.abort(); }
  friend FramePool& frame_pool(SinkConversation& self) { return self.sink_.core_.frames(); }

 private:
  enum class Next : std::uint8_t { go_on, leave };

  Task<void> talk();
  Task<Next> wait_for_input();
  Task<bool> send();
  Task<bool> start_tls();
  void authenticate();
  // The troubles that the options ask for at this place. False: the visit is over.
  bool troubled(Step step) const;
  Task<bool> suffer(Step step);
  void judge_recipient();
  void finish_message();
  void accept_message(const BodyVerdict& verdict);
  void record(const BodyVerdict& verdict);
  void turn_to(std::string_view domain);
  void depart();

  void defer(SharedCounter& counter, const mail::Reply& reply);
  void judge_sender();
  Task<void> wait_for_thaw();

  const SinkOptions& options() const { return sink_.plan_.options; }
  const Persona& persona() const { return receiver_.persona(); }
  Duration since_start() const { return sink_.core_.now() - sink_.started_; }

  SinkCore& sink_;
  PersonaState& receiver_;
  net::Connection& connection_;
  smtp::ServerSession session_;
  BodyCheck check_;
  std::optional<LoadId> last_;  // the latest message of this connection
  std::string domain_;          // whose connection this is; empty: nobody's yet
  std::uint64_t domain_messages_ = 0;
  bool present_ = true;  // counted among the connections
};

}  // namespace ringpost::loadgen
