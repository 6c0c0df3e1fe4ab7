// The part of a sink that lives on one core: its listeners, its conversations, its figures.
//
// Layer: tool. Owner: one core; the plan and the shared figures outlive it.
// Ends:  stop(), then abort() for who does not leave; when the core has no task the main thread may destroy it.
#pragma once

#include <memory>
#include <random>
#include <vector>

#include "ringpost/shard/listener.hpp"
#include "ringpost/smtp/server_settings.hpp"
#include "ringpost/tls/server_context.hpp"

#include "line_file.hpp"
#include "sink_figures.hpp"
#include "sink_options.hpp"

namespace ringpost::loadgen {

class SinkConversation;

// What all cores of a sink share.
struct SinkPlan {
  SinkOptions options;
  // [0] is everyone's; the others are in the order of the options.
  std::vector<std::unique_ptr<PersonaState>> personas;
  std::vector<PersonaState*> doors;  // by slot of the listener; empty: all are everyone's
  std::unique_ptr<LineFile> received;
  tls::ServerSettings certificate;
  std::shared_ptr<const tls::TicketKeys> ticket_keys;  // none: no TLS
  Concurrency connections;
  DomainTable domains;

  PersonaState& persona_of(unsigned slot) const { return slot < doors.size() ? *doors[slot] : *personas[0]; }
  static Result<std::unique_ptr<SinkPlan>> make(SinkOptions options, WallTime now);
};

class SinkCore {
 public:
  static Result<std::unique_ptr<SinkCore>> make(shard::Core& core, SinkPlan& plan);
  SinkCore(shard::Core& core, SinkPlan& plan, std::shared_ptr<const tls::ServerContext> tls);
  ~SinkCore();
  SinkCore(const SinkCore&) = delete;
  SinkCore& operator=(const SinkCore&) = delete;
  friend FramePool& frame_pool(SinkCore& sink) { return sink.core_.frames(); }

  // `slot` is the place of the address in the options, the same on every core.
  void listen(unsigned slot, io::Handle listening);
  void arm();
  // No more connections; who is between messages is told to leave.
  void stop();
  void abort();

  const SinkFigures& figures() const { return figures_; }
  const Receipts& receipts() const { return receipts_; }
  // When the first and the last message came; nothing before the first.
  std::optional<WallTime> first_message() const { return first_message_; }
  WallTime last_message() const { return last_message_; }

 private:
  friend class SinkConversation;
  struct Door {
    std::unique_ptr<shard::Listener> listener;
    PersonaState* persona;
  };
  Task<void> serve(std::size_t door, io::Handle socket);
  Task<void> close_doors();
  bool chance(double share) { return share > 0 && std::uniform_real_distribution(0.0, 1.0)(random_) < share; }

  shard::Core& core_;
  SinkPlan& plan_;
  std::shared_ptr<const tls::ServerContext> tls_;
  SinkFigures figures_;
  Receipts receipts_;
  LineWriter received_;
  std::mt19937_64 random_;
  shard::Signal stopping_signal_;
  std::vector<Door> doors_;
  IntrusiveList<SinkConversation> conversations_;
  std::vector<std::byte> scratch_;
  std::optional<WallTime> first_message_;
  WallTime last_message_;
  Instant started_;
  bool stopping_ = false;
};

}  // namespace ringpost::loadgen
