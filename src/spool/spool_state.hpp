// The inside of a Spool: its index of messages, and what each kind of record does to it.
//
// Layer: durable, private. Owner: one core.
// Parts: accepting (accept.cpp), outcomes (outcomes.cpp), recovery (recovery.cpp), moving and losses (carry.cpp),
//        reading (read.cpp).
#pragma once

#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "ringpost/observe/registry.hpp"
#include "ringpost/spool/spool.hpp"

#include "records.hpp"

namespace ringpost::spool {

// What only some messages have.
struct Details {
  std::vector<Outcome> outcomes;  // one for each recipient, once one of them is not "pending, due now"
  journal::Location state;        // the STATE record that holds them
  struct Chunk {
    std::uint64_t offset = 0;  // in the message
    journal::Location where;   // of the record: ChunkHeader and bytes
  };
  std::vector<Chunk> chunks;                   // by offset
  std::vector<journal::SegmentName> older;     // segments that hold copies from before a move
  std::vector<std::byte> envelope;             // level memory: EnvelopeHeader and record
  std::vector<buffer::Block> body;             // level memory
};

// A message in the queue.
struct Entry {
  journal::Location envelope;  // nowhere: kept in memory
  journal::Location body;      // nowhere: in chunks, or in memory
  std::uint64_t size = 0;
  std::uint32_t recipients = 0;
  std::uint32_t open = 0;      // recipients that are not final
  bool promised = false;       // we have said 250: a lost record must be written again
  bool writing = false;        // on its way from memory to the disk
  std::unique_ptr<Details> details;

  Details& more() {
    if (!details) details = std::make_unique<Details>();
    return *details;
  }
  bool in_memory() const { return !envelope; }
};

// See spool.hpp. Records about messages of other shards, by id; and how far the cores have come.
class Exchange {
 public:
  struct Fact {
    std::uint64_t order = 0;
    bool done = false;
    Negation negation;
  };
  void opened();
  void leave(MessageId id, Fact fact);
  // The facts about messages for which `wanted` says yes, in order.
  std::vector<std::pair<MessageId, Fact>> take(const std::function<bool(MessageId)>& wanted);
  void settled();
  // Every core has made what concerned it durable in its own log.
  bool all_settled() const;

 private:
  mutable std::mutex mutex_;
  std::unordered_multimap<std::uint64_t, Fact> facts_;
  unsigned opened_ = 0;
  unsigned settled_ = 0;
};

// A body that is arriving.
struct Incoming::State {
  std::shared_ptr<Spool::State> spool;
  MessageId id;
  std::vector<Details::Chunk> chunks;
  std::uint64_t size = 0;
  bool taken = false;  // the message has its envelope and holds the chunks now

  ~State();
  Task<Result<void>> put(std::span<const std::byte> bytes);
  friend FramePool& frame_pool(State& state);
};

struct Spool::State : std::enable_shared_from_this<Spool::State> {
  State(shard::Core& on, const SpoolOptions& with, const SpoolStart& from);

  // Accepting.
  Task<Result<void>> accept(MessageId id, const mail::Envelope& envelope, const mail::ArrivalFacts& facts,
                            std::span<const std::span<const std::byte>> pieces);
  Task<Result<void>> write(MessageId id, std::span<const std::byte> envelope,
                           std::span<const std::span<const std::byte>> body, std::uint64_t body_size,
                           mail::Durability level);
  Task<Result<void>> write_envelope(MessageId id, std::span<const std::byte> envelope, mail::Durability level);
  Task<Result<void>> promise(MessageId id, journal::Ticket ticket, mail::Durability level);
  Task<Result<journal::Ticket>> append_patiently(std::span<const journal::Record> records,
                                                 std::span<journal::Location> where);
  bool keep_in_memory(MessageId id, std::span<const std::byte> envelope,
                      std::span<const std::span<const std::byte>> body, std::uint64_t body_size);
  Task<void> write_out(std::shared_ptr<State> self, MessageId id);
  Task<void> announce(MessageId id, bool recovered);
  std::vector<std::byte> encode_envelope(const mail::Envelope& envelope, const mail::ArrivalFacts& facts,
                                         std::uint64_t body_size, bool chunked) const;

  // Outcomes.
  void record(MessageId id, std::span<const Outcome> changes);
  void apply(Entry& entry, std::span<const Outcome> changes) const;
  void put_state(MessageId id, Entry& entry);
  void put_done(MessageId id, std::vector<journal::SegmentName> names);
  void end(MessageId id, Entry& entry);
  void forget(MessageId id, Entry& entry);
  void retry_facts();
  std::vector<journal::SegmentName> names_of(const Entry& entry) const;

  // Recovery.
  void visit(const journal::RecordView& view);
  void visit_envelope(const journal::RecordView& view);
  void visit_negation(const journal::RecordView& view, bool done);
  void count_live();
  Task<Result<void>> take_exchanged();

  // Moving, losses.
  Task<Result<void>> carry(const journal::RecordView& view);
  Result<void> carry_message(MessageId id, Entry& entry, const journal::RecordView& view);
  void lost(const journal::RecordView& view);
  void upkeep();

  // Reading.
  Task<Result<std::vector<std::byte>>> envelope_bytes(MessageId id);
  Task<Result<Body>> part(MessageId id, std::uint64_t offset, std::uint64_t size);
  Task<Result<void>> add_part(Body& body, journal::Location where, std::uint32_t skip, std::uint32_t size);

  Entry* find(MessageId id);
  friend FramePool& frame_pool(State& state) { return state.core.frames(); }

  shard::Core& core;
  SpoolOptions options;
  SpoolStart start;
  std::unique_ptr<journal::Log> log;
  journal::RecoveryReport report;
  Announcements* listener = nullptr;
  std::unordered_map<std::uint64_t, Entry> messages;
  std::uint64_t sequence = 0;
  // During recovery: bodies and chunks whose envelope has not come yet.
  std::unordered_map<std::uint64_t, journal::Location> bodies;
  std::unordered_map<std::uint64_t, std::vector<Details::Chunk>> chunks;
  std::vector<std::pair<journal::Location, std::vector<journal::SegmentName>>> ends;
  std::vector<std::pair<MessageId, journal::Location>> moved_from;
  std::vector<unsigned> shards;  // that this log holds: our own and those adopted
  // Facts that the log had no room for; written at the next chance.
  std::vector<MessageId> unwritten_states;
  std::vector<std::pair<MessageId, std::vector<journal::SegmentName>>> unwritten_ends;
  std::vector<std::byte> scratch;
  bool elsewhere_released = false;
  bool closing = false;
  std::size_t writing = 0;  // messages on their way from memory to the disk
  std::vector<Incoming::State*> incoming;  // bodies that are arriving
  shard::Signal written;
  struct Figures {
    observe::Counter accepted, ended, damaged, moved;
    observe::Gauge messages;
  } figures;
};

inline FramePool& frame_pool(Incoming::State& state) { return state.spool->core.frames(); }

}  // namespace ringpost::spool
