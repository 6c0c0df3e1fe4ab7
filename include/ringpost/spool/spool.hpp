// The durable queue of one core: messages, who must still get them, and what has become of each recipient.
//
// Layer:   durable (runtime, scan, mail, journal). Owner: one core.
// Promise: `accept` resumes after the frame that holds the message is on stable storage (level disk). From then on
//          each recipient ends as delivered, bounced, expired or cancelled, over any crash.
// Who acts: `deliver` listens; a message is announced when it is durable, and after a restart for what is left of it.
// States:  ride in the next frame, nobody waits for them; those lost in a crash are done again.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ringpost/base/ids.hpp"
#include "ringpost/base/result.hpp"
#include "ringpost/base/task.hpp"
#include "ringpost/buffer/pool.hpp"
#include "ringpost/journal/log.hpp"
#include "ringpost/mail/envelope.hpp"
#include "ringpost/mail/envelope_record.hpp"
#include "ringpost/shard/core.hpp"
#include "ringpost/spool/options.hpp"

namespace ringpost::spool {

enum class RecipientState : std::uint8_t { pending, delivered, bounced, expired, cancelled };

// What has become of some recipients of one message.
struct Outcome {
  std::uint32_t recipient = 0;  // 0-based index in the envelope
  RecipientState state = RecipientState::pending;
  std::uint16_t attempts = 0;
  WallTime next_attempt;        // of a pending one
  std::uint16_t code = 0;       // the SMTP reply that led here, or 0
  bool warned = false;          // the sender has been told of the delay; stays true in later outcomes
};

// A message that is in the queue. Valid during the call that hands it out; copy what you keep.
struct Queued {
  MessageId id;
  const mail::EnvelopeRecord* envelope = nullptr;
  std::span<const Outcome> outcomes;  // one for each recipient; all pending and due now when fresh
  bool recovered = false;
};

// Told on the owner core. Calls come from a turn's end; do not append for long inside.
class Announcements {
 public:
  virtual ~Announcements() = default;
  virtual void queued(const Queued& message) = 0;
};

// The bytes of a stored message, in order, without what we add in front. Pins memory or owns a copy.
class Body {
 public:
  std::span<const std::span<const std::byte>> pieces() const { return pieces_; }
  std::uint64_t size() const { return size_; }

 private:
  friend class Spool;
  std::vector<std::span<const std::byte>> pieces_;
  std::vector<journal::Pin> pins_;
  std::vector<buffer::Block> blocks_;
  std::uint64_t size_ = 0;
};

// A body too large to be staged whole, on its way into the log. Dropping it leaves dead bytes only.
class Incoming {
 public:
  ~Incoming();
  Incoming(Incoming&&) noexcept;
  // Copies; suspends while the log has no room. Errors as Log::append.
  Task<Result<void>> append(std::span<const std::byte> bytes);
  std::uint64_t size() const;

 private:
  friend class Spool;
  struct State;
  explicit Incoming(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

class Spool {
 public:
  // Opens (or makes) this core's shard, reads it, adopts orphan shards (`adopt`: numbers of shards that no core owns).
  // Nothing is announced before `start`.
  static Task<Result<std::unique_ptr<Spool>>> open(shard::Core& core, const SpoolOptions& options, std::uint32_t epoch,
                                                   std::uint64_t spool_id, std::vector<unsigned> adopt);
  ~Spool();

  // Makes the message `id` durable at the level that `facts` names. `pieces` are copied, and the
  // references used, before this first suspends.
  // Errors: exhausted -> 452 4.3.1, temporary (I/O error) -> 451 4.3.0. Nothing was promised then.
  Task<Result<void>> accept(MessageId id, const mail::Envelope& envelope, const mail::ArrivalFacts& facts,
                            std::span<const std::span<const std::byte>> pieces);
  // The same for a body that comes in pieces.
  Result<Incoming> begin();
  Task<Result<void>> accept(MessageId id, const mail::Envelope& envelope, const mail::ArrivalFacts& facts,
                            Incoming incoming);
  // True when a new message would be refused now, for want of disk or memory.
  bool full() const;
  // A fresh id, never given again, for one message: the Received line that names it is made before `accept`.
  MessageId next_id();

  // Hands over every message that is left from before, then each new one when it is durable.
  void start(Announcements& listener);

  // Records what has become of recipients; when all are final the message ends and its space is given back.
  void record(MessageId id, std::span<const Outcome> outcomes);
  // Resumes when everything recorded so far is durable.
  Task<Result<void>> flush();

  // The envelope and the state of each recipient, read back from memory or disk.
  struct Loaded {
    std::vector<std::byte> bytes;  // what `envelope` points into
    mail::EnvelopeRecord envelope;
    std::vector<Outcome> outcomes;  // one for each recipient
  };
  Task<Result<Loaded>> load(MessageId id);
  Task<Result<Body>> body(MessageId id);
  // At most `size` bytes from the front: the header for a report.
  Task<Result<Body>> head(MessageId id, std::size_t size);

  std::size_t message_count() const;
  // Ids in rising order, for listings: up to `limit` after `after`.
  std::vector<MessageId> ids(MessageId after, std::size_t limit) const;
  bool contains(MessageId id) const;
  const journal::RecoveryReport& recovery() const;
  journal::Log& log();

  struct State;

 private:
  explicit Spool(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// The spool's own file: its identity and its epoch. Raised durably before any core gives an id; also finds the shards
// on disk, so that orphans can be shared out. Blocking; called once at start by `server`.
struct SpoolStart {
  std::uint64_t spool_id = 0;
  std::uint32_t epoch = 0;
  std::vector<unsigned> shards_on_disk;
};
Result<SpoolStart> start_spool(io::Files& files, const SpoolOptions& options);

}  // namespace ringpost::spool
