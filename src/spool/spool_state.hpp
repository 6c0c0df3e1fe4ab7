// The inside of a Spool. One struct, in parts: accepting (accept.cpp), outcomes (record.cpp), reading (read.cpp),
// start and end (open.cpp), moving (carry.cpp).
//
// Layer: durable, private. Owner: one core.
#pragma once

#include <deque>
#include <memory>
#include <unordered_map>
#include <vector>

#include "ringpost/mail/envelope.hpp"
#include "ringpost/mail/envelope_record.hpp"
#include "ringpost/shard/await.hpp"
#include "ringpost/shard/core.hpp"
#include "ringpost/spool/limits.hpp"
#include "ringpost/spool/spool.hpp"

#include "exchange.hpp"
#include "figures.hpp"
#include "queue.hpp"
#include "records.hpp"
#include "replay.hpp"

namespace ringpost::spool {

// A message at level memory. Bodies that were handed out keep it alive.
struct Held {
  std::vector<std::span<const std::byte>> pieces() const;

  std::vector<buffer::Block> body;
  std::vector<std::byte> promised_body;  // instead, where the core had no block for what is promised already
  std::uint64_t size = 0;
  std::vector<std::byte> envelope;
  bool stays = false;  // level through: never written
};

class LogLedger final : public Ledger {
 public:
  void add_live(journal::Location where) override { log->add_live(where); }
  void drop_live(journal::Location where) override { log->drop_live(where); }
  void add_pin(journal::Location negation, std::span<const journal::SegmentName> targets) override {
    log->add_pin(negation, targets);
  }
  journal::SegmentName name_of(journal::Location where) const override { return log->name_of(where); }
  std::uint32_t epoch_of(journal::Location where) const override { return log->epoch_of(where); }
  void keep_beside_unread(journal::Location where) override { log->keep_beside_unread(where); }
  journal::Log* log = nullptr;
};

// What is appended together, at most: body or its end, envelope, state, and what it voids.
class Group {
 public:
  void add(RecordType type, MessageId id, std::span<const std::span<const std::byte>> parts,
           std::uint8_t flags = 0);
  void add(RecordType type, MessageId id, std::span<const std::byte> payload, std::uint8_t flags = 0);
  // Its body, if there is one, has been added just before.
  void add_envelope(MessageId id, std::span<const std::byte> payload, std::size_t recipients,
                    bool no_body = false);
  Result<journal::Ticket> append(journal::Log& log, Figures& figures, journal::Appending how);
  journal::Location where(RecordType type) const;  // after append; nowhere when there is none

 private:
  void note_written(Figures& figures) const;
  static constexpr std::size_t kRecordsMax = 4;
  std::array<journal::Record, kRecordsMax> records_;
  std::array<std::span<const std::byte>, kRecordsMax> payloads_;
  std::array<journal::Location, kRecordsMax> places_{};
  EnvelopeSummary summary_;
  std::size_t count_ = 0;
};

struct Spool::State : std::enable_shared_from_this<Spool::State> {
  State(shard::Core& on, SpoolOptions with, SpoolStart started);

  MessageId next_id();

  // Accepting.
  Task<Result<void>> accept(MessageId id, const mail::Envelope& envelope, const mail::ArrivalFacts& facts,
                            std::span<const std::span<const std::byte>> pieces);
  Task<Result<void>> accept_large(MessageId id, const mail::Envelope& envelope,
                                  const mail::ArrivalFacts& facts, Incoming incoming);
  Task<Result<void>> commit(MessageId id, journal::Ticket ticket, bool relaxed);
  Result<void> accept_through(MessageId id, const mail::Envelope& envelope, const mail::ArrivalFacts& facts,
                              std::span<const std::span<const std::byte>> pieces);
  bool hold(MessageId id, const mail::Envelope& envelope, const mail::ArrivalFacts& facts,
            std::span<const std::span<const std::byte>> pieces);
  std::span<const std::byte> encode(const mail::Envelope& envelope, const mail::ArrivalFacts& facts);
  Refusal refusing(mail::Durability level = mail::Durability::disk) const;
  bool full() const { return refusing() != Refusal::none; }
  Result<void> refuse_now(mail::Durability level = mail::Durability::disk);
  Result<void> refuse(Error error);
  void note_accepted(std::uint64_t size);

  // Announcing.
  void turn_end();
  void announce(MessageId id, bool recovered);
  void announce_with(const Entry& entry, std::span<const std::byte> envelope, bool recovered);
  void announce_later(MessageId id, bool recovered);
  void announce_again();
  Task<void> announce_cold(std::shared_ptr<State> self, MessageId id, bool recovered);
  std::vector<Outcome> outcomes_of(const Entry& entry) const;

  // Outcomes.
  void record(MessageId id, std::span<const Outcome> outcomes);
  void record(MessageId id, FinishedTarget finished);
  bool write_state(Entry& entry, std::span<const PackedOutcome> changed,
                   std::span<const FinishedTarget> finished = {});
  std::vector<std::byte> whole_state(std::uint32_t state) const;
  bool write_held(Entry& entry);
  bool end_message(Entry& entry);
  bool is_promised(MessageId id) const;
  void add_kept(std::vector<journal::SegmentName>& segments, bool only_foreign) const;
  bool append_ending(MessageId id, std::span<const journal::SegmentName> segments, RecordType type,
                     std::uint8_t flags);
  void postpone(Entry& entry);
  void postpone_lost(Entry& entry);
  void retry_postponed();
  void lost(const journal::RecordView& view);
  bool names_place_of(std::span<const std::byte> segments, const Entry& entry) const;
  void lost_envelope(const journal::RecordView& view, Entry& entry);
  Task<Result<void>> flush();
  std::uint8_t foreign_flag(std::span<const journal::SegmentName> segments) const;

  // Reading.
  Task<Result<Loaded>> load(MessageId id);
  bool refresh(MessageId id, Loaded& loaded) const;
  Result<Loaded> loaded_from(MessageId id, std::vector<std::byte> envelope) const;
  Task<Result<Body>> part(MessageId id, std::uint64_t offset, std::uint64_t size);
  Task<Result<Body>> part_once(MessageId id, std::uint64_t offset, std::uint64_t size, bool& moved);
  Task<Result<std::vector<std::byte>>> read_envelope(MessageId id);
  Result<std::vector<buffer::Block>> blocks_for(std::uint64_t size);
  Body held_part(std::shared_ptr<Held> from, std::uint64_t offset, std::uint64_t size) const;
  Task<Result<void>> add_record(MessageId id, journal::Location where, std::uint32_t skip, std::uint32_t size,
                                Body& body, bool& moved);

  // Start and end.
  Task<Result<void>> open(std::vector<unsigned> adopt);
  bool is_of_guest(std::uint8_t type) const { return guest != nullptr && journal::Part::has_type(type); }
  Task<void> recover(std::shared_ptr<State> self);

  // Damage: named in the log, and kept.
  void name_damaged();
  void note_damaged(MessageId id);
  void rotten(const journal::Damage& damage);
  void say_damaged(std::string_view text, MessageId id = {});
  Task<Result<void>> start(Announcements& to);
  Task<Result<void>> settle_foreign();
  Task<Result<void>> announce_recovered();
  Task<void> close();
  void upkeep();

  // Moving.
  Task<Result<void>> carry(const journal::RecordView& view);
  Task<Result<void>> place_gathered();
  Task<Result<void>> carry_ending(const journal::RecordView& view);
  Task<Result<void>> carry_state(const journal::RecordView& view);
  Task<Result<void>> move(MessageId id);
  Task<Result<void>> gather(MessageId id);
  Task<Result<void>> move_large(MessageId id);
  Task<Result<void>> copy_large(MessageId id, std::span<const std::byte> envelope, unsigned stream);
  struct Moving;
  Task<Result<void>> place(const Moving& moving);
  std::vector<journal::Location> places_of(const Entry& entry) const;
  void note_copies(const Entry& entry, const Copy& copy) const;
  Result<void> place_moved(Entry& entry, Group& group, Copy copy, std::span<const std::byte> envelope,
                           unsigned stream);
  unsigned class_of(std::span<const std::byte> envelope) const;
  unsigned stream_of(const Entry& entry, unsigned expiry_class, std::size_t size, std::size_t piece) const;
  Task<Result<void>> room();

  shard::Core& core;
  const SpoolOptions options;
  const SpoolStart start_info;
  const unsigned own_shard;
  Figures figures;
  std::unique_ptr<journal::Log> log;
  journal::Part* guest = nullptr;  // who else has records in the log; null: nobody
  LogLedger ledger;
  Queue queue{ledger};
  std::unique_ptr<Replay> replay;  // until start is over
  bool recovery_over = false;
  Result<void> recovery;
  journal::RecoveryReport report;
  std::vector<MessageId> damaged_messages;
  Announcements* listener = nullptr;
  std::uint64_t next_sequence = 1;
  bool closing = false;
  unsigned background = 0;
  shard::Signal quiet;

  struct Awaiting {
    std::uint64_t frame = 0;  // 0: at once
    MessageId id;
  };
  std::deque<Awaiting> awaiting;
  std::deque<MessageId> awaiting_no_disk;  // level through: announced however long the disk takes
  struct NotAnnounced {
    MessageId id;
    bool recovered;
  };
  std::vector<NotAnnounced> not_announced;  // all of them are tried again then
  Instant announce_again_at;
  std::unordered_map<std::uint64_t, std::shared_ptr<Held>> held;
  std::deque<MessageId> postponed;
  struct Ending {
    MessageId id;
    RecordType type = RecordType::done;
    std::vector<journal::SegmentName> segments;
    std::uint8_t flags = 0;
  };
  std::deque<Ending> lost_endings;
  // Read from the segment that is being emptied, and not appended yet.
  struct Moving {
    MessageId id;
    journal::Location place;  // where its envelope was read
    unsigned expiry_class = 0;
    std::vector<std::byte> envelope;
    std::vector<std::byte> body;  // its own bytes: others wait for commit buffers, and for blocks
  };
  std::vector<Moving> gathered;
  std::size_t gathered_bytes = 0;
  MessageId left_large;  // its pieces stay in the segment that is being emptied, as was found at one of them
  std::uint64_t newest_state_frame = 0;
  bool elsewhere_released = false;
  std::vector<PackedOutcome> changed_scratch;
  std::vector<std::byte> scratch;        // an encoded envelope, until the next suspension
  std::span<const std::byte> lost_body;  // of the envelope that follows
  MessageId lost_body_id;

  struct Hook : shard::TurnHook {
    explicit Hook(State& of)
        : TurnHook([](TurnHook& self) { static_cast<Hook&>(self).state.turn_end(); }), state(of) {}
    State& state;
  } hook{*this};
};

struct Incoming::State {
  std::shared_ptr<Spool::State> spool;
  std::uint64_t body_id = 0;
  std::uint64_t size = 0;
  std::vector<journal::Location> chunks;
  std::vector<std::uint64_t> frames;
  buffer::Block gathered;  // short pieces, until they are worth a record

  ~State();
  Task<Result<void>> append(std::span<const std::byte> bytes);
  Task<Result<void>> put(std::span<const std::byte> bytes, journal::Appending how = {});
  Task<Result<void>> put_gathered();
};

}  // namespace ringpost::spool
