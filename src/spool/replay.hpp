// Turns the records of the log, in their order, into the queue that they mean.
//
// Layer: durable, private, without I/O. Owner: a spool that opens, or who only looks.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "ringpost/journal/records.hpp"
#include "ringpost/spool/limits.hpp"

#include "exchange.hpp"
#include "queue.hpp"

namespace ringpost::spool {

class Replay {
 public:
  // `foreign_max`: of the ends, and of the messages with a state, in shards that are not read here, or not yet.
  Replay(Queue& queue, Ledger& ledger, unsigned own_shard, std::size_t foreign_max)
      : queue_(queue), ledger_(ledger), own_(own_shard), foreign_max_(foreign_max) {}

  void visit(const journal::RecordView& view);
  // After the last record: what concerns copies in the other shards that were read here.
  void finish();

  // What must be told to other cores: after finish.
  std::vector<ForeignRecord>& foreign() { return foreign_; }
  // Records for which there was no room among them.
  std::uint64_t left_out() const { return left_out_; }
  std::uint64_t unreadable() const { return unreadable_; }
  std::uint64_t without_body() const { return without_body_; }  // after finish
  // Of whom some record does not make sense or is missing.
  const std::vector<MessageId>& damaged() const { return damaged_; }
  // Whose body in pieces it is, of which some are missing.
  std::optional<MessageId> owner_of_incomplete(std::uint64_t body_id) const {
    const auto found = incomplete_.find(body_id);
    return found == incomplete_.end() ? std::nullopt : std::optional(found->second);
  }
  // Messages whose state stands in records that only count until all cores have started.
  const std::vector<MessageId>& restate() const { return restate_; }

 private:
  void chunk(const journal::RecordView& view);
  void body_end(const journal::RecordView& view);
  void envelope(const journal::RecordView& view);
  void state(const journal::RecordView& view);
  void done(const journal::RecordView& view);
  void moved(const journal::RecordView& view);
  bool has_records_elsewhere(std::uint32_t state, unsigned shard) const;
  void join_foreign(MessageId id, const DecodedState& state);
  void void_later(const journal::RecordView& view);
  void note_damaged(MessageId id);
  void note_bodiless(MessageId id);
  void count_bodiless();

  Queue& queue_;
  Ledger& ledger_;
  unsigned own_;
  std::size_t foreign_max_;
  std::unordered_map<std::uint64_t, Copy> bodies_;  // by message, until its envelope comes
  std::unordered_map<std::uint64_t, std::vector<journal::Location>> chunks_;  // by body
  std::vector<ForeignRecord> foreign_;
  States foreign_states_;
  std::unordered_map<std::uint64_t, std::uint32_t> foreign_state_of_;  // by message
  std::uint64_t left_out_ = 0;
  std::vector<MessageId> restate_;
  std::vector<MessageId> damaged_;
  std::vector<MessageId> bodiless_;  // of whom some copy is, at least; kDamagedNamesMax of them
  bool more_bodiless_ = false;       // the queue must be looked through
  std::unordered_map<std::uint64_t, MessageId> incomplete_;  // kDamagedNamesMax, as those are only named
  std::vector<journal::Location> incomplete_places_;         // where their bodies end
  std::uint64_t unreadable_ = 0;
  std::uint64_t without_body_ = 0;
};

// Whose message it hurts, or none. A piece of a large body has an id of its own; a replay, if there is one, knows of those
// that are not complete.
MessageId named_by(const journal::Damage& damage, const Queue& queue, const Replay* replay);

bool add_finished(Queue& queue, Entry& entry, std::span<const FinishedTarget> finished);
// What another shard's log says, of which nobody knows whether it is newer.
bool join_state(Queue& queue, Entry& entry, const ForeignRecord& record);
// Takes the envelopes away that stand in one of the segments. Says whether there were any.
bool void_copies(Queue& queue, const Ledger& ledger, MessageId id,
                 std::span<const journal::SegmentName> segments);

}  // namespace ringpost::spool
