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
#include "ringpost/journal/part.hpp"
#include "ringpost/mail/envelope.hpp"
#include "ringpost/mail/envelope_record.hpp"
#include "ringpost/shard/core.hpp"
#include "ringpost/spool/limits.hpp"
#include "ringpost/spool/options.hpp"

namespace ringpost::spool {

enum class RecipientState : std::uint8_t { pending, delivered, bounced, expired, cancelled };

// What has become of some recipients of one message.
struct Outcome {
  std::uint32_t recipient = 0;  // 0-based index in the envelope
  RecipientState state = RecipientState::pending;
  std::uint16_t attempts = 0;
  WallTime next_attempt;   // of a pending one
  std::uint16_t code = 0;  // the SMTP reply that led here, or 0
  bool warned = false;     // the sender has been told of the delay; stays true in later outcomes
};

// Why no new message is taken just now.
enum class Refusal : std::uint8_t {
  none,
  closing,
  write_errors,  // the disk fails; 451
  disk_space,    // less than free_space_min is free; 452
  segments,      // no file is free but the one that is kept for records of state; 452
  index_memory,  // the table of messages has what it may have; 452
  core_memory,   // the core's pool is nearly used up; 452
};
std::string_view to_string(Refusal refusal);

// One of the places to which the mail of one recipient goes, as its alias says, that has it while others have not. The
// target is a digest that only its maker understands.
struct FinishedTarget {
  std::uint32_t recipient = 0;
  std::uint64_t target = 0;
  bool operator==(const FinishedTarget&) const = default;
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
  // After a restart: this one will be among the next ones, if it is left.
  virtual void next(MessageId) {}
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
  std::shared_ptr<const void> keeps_;
  std::uint64_t size_ = 0;
};

// A body too large to be staged whole, on its way into the log. Dropping it leaves dead bytes only.
class Incoming {
 public:
  ~Incoming();
  Incoming(Incoming&&) noexcept;
  // Copies; suspends while the log has no room, so `bytes` stay valid until it resumes. Errors: exhausted (no disk, or
  // the log had no room for kRoomWait), permanent (longer than kMessageSizeMax). After an error only dropping it helps.
  Task<Result<void>> append(std::span<const std::byte> bytes);
  std::uint64_t size() const;

 private:
  friend class Spool;
  struct State;
  explicit Incoming(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// What all cores of a process share while they start: each shard's records about messages of other shards (a change in
// the number of cores makes such). Locked; used at start only.
class Exchange;

// The spool's own file: its identity and its epoch. The epoch is raised durably before any core gives an id; also finds
// the shards on disk, so that orphans can be shared out. Blocking; called once at start by `server`, which keeps it until
// the process ends: it holds the lock that keeps a second server away (which gets a temporary error).
struct SpoolStart {
  std::uint64_t spool_id = 0;
  std::uint32_t epoch = 0;
  std::vector<unsigned> shards_on_disk;
  std::vector<std::string> left_alone;  // what looks like a shard and is none, and why
  io::Handle lock;
  std::shared_ptr<Exchange> exchange;
  std::size_t foreign_max = kForeignMax;  // lower in tests
};
Result<SpoolStart> start_spool(io::Files& files, const SpoolOptions& options);

class Spool {
 public:
  // Opens (or makes) this core's shard and adopts orphan shards (`adopt`: numbers of shards that no core owns; the caller
  // shares all of them out). From then on mail is accepted; what was there is read meanwhile. Every core's spool is opened
  // before any is started.
  // `part` (may be null) keeps records in the same log; it outlives the spool.
  static Task<Result<std::unique_ptr<Spool>>> open(shard::Core& core, SpoolOptions options, SpoolStart start,
                                                   std::vector<unsigned> adopt,
                                                   journal::Part* part = nullptr);
  // After close(), or after the backend has died.
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  // Makes the message `id` (from next_id) durable at the level that `facts` names. All arguments stay valid until it
  // resumes. Level relaxed resumes at once, memory too, unless the core is short of memory: then it writes, as disk does.
  // Level through is never written: in memory until every recipient has a final state, gone with the process, and refused
  // when memory is short.
  // Errors: exhausted -> 452 4.3.1, temporary (I/O error) -> 451 4.3.0, permanent (too large) -> 552. Nothing was promised.
  Task<Result<void>> accept(MessageId id, const mail::Envelope& envelope, const mail::ArrivalFacts& facts,
                            std::span<const std::span<const std::byte>> pieces);
  // The same for a body that comes in pieces (which are on disk at any level).
  Result<Incoming> begin();
  Task<Result<void>> accept(MessageId id, const mail::Envelope& envelope, const mail::ArrivalFacts& facts,
                            Incoming incoming);
  // True when a new message would be refused now, for want of disk or memory.
  bool full() const { return refusing() != Refusal::none; }
  Refusal refusing() const;
  Refusal refusing(mail::Durability level) const;  // through needs no disk
  // A fresh id, never given again, for one message: the Received line that names it is made before `accept`.
  MessageId next_id();

  // Waits until every core has read what was there. Then hands over every message that is left from before, then each new
  // one at the end of the turn in which it is durable (memory: accepted). Reads the envelopes from disk, so it takes its
  // time; mail may be accepted meanwhile.
  Task<Result<void>> start(Announcements& listener);

  // Records what has become of recipients; when all are final the message ends and its space is given back. A final
  // state stays; of a pending one the last word counts. Unknown ids and indices are ignored.
  void record(MessageId id, std::span<const Outcome> outcomes);
  // The same for a part of what one pending recipient stands for: kept until the recipient's state is final. Of a message
  // with kFinishedTargetsMax of them no more are kept: those are done again.
  void record(MessageId id, FinishedTarget finished);
  // Resumes when everything recorded so far is durable (of messages at level memory: nothing).
  Task<Result<void>> flush();
  // Writes what level memory holds, then flushes and ends all background work. No other call afterwards.
  Task<void> close();

  // The envelope and the state of each recipient, read back from memory or disk.
  struct Loaded {
    std::vector<std::byte> bytes;  // what `envelope` points into
    mail::EnvelopeRecord envelope;
    std::vector<Outcome> outcomes;  // one for each recipient
    std::vector<FinishedTarget> finished;
  };
  Task<Result<Loaded>> load(MessageId id);
  // Brings the outcomes up to date, after a suspension. False: the message has ended.
  bool refresh(MessageId id, Loaded& loaded) const;
  std::uint64_t size_of(MessageId id) const;  // of the stored message; 0 when unknown
  // Errors: permanent (unknown id, or damaged on disk), exhausted (no memory for a cold body: try later, or take parts),
  // temporary (I/O).
  Task<Result<Body>> body(MessageId id);
  // At most `size` bytes from `offset`, for bodies that do not fit in memory.
  Task<Result<Body>> part(MessageId id, std::uint64_t offset, std::uint64_t size);
  // At most `size` bytes from the front: the header for a report.
  Task<Result<Body>> head(MessageId id, std::size_t size);

  std::size_t message_count() const;
  // Ids in rising order, up to `limit` after `after`. Looks at every message at once: for tests; see Survey.
  std::vector<MessageId> ids(MessageId after, std::size_t limit) const;
  bool contains(MessageId id) const;
  // True when all that was there has been read; then the report of it.
  bool recovered() const;
  const journal::RecoveryReport& recovery() const;
  // Found, at start or by the scrub, to be not what they were. Rising.
  const std::vector<MessageId>& damaged_messages() const;
  journal::Log& log();

  struct State;
  friend FramePool& frame_pool(Spool& spool) { return spool.frames(); }

 private:
  friend class Survey;  // looks at all messages
  explicit Spool(std::shared_ptr<State> state);
  FramePool& frames();
  std::shared_ptr<State> state_;
};

}  // namespace ringpost::spool
