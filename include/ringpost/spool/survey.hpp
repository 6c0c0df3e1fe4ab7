// A look at every message of a core's queue, in the order of ids, while others run.
//
// Layer:  durable. Owner: a coroutine on the core of the spool, which ends before the spool closes.
// Order:  ids rise from pass to pass; within one pass they come as they lie on the disk, so that one read brings many.
// Shows:  each message once that is there from the call of its pass on until it is handed out; what comes or ends meanwhile may
//         be missed.
// Limits: spool/limits.hpp: memory for the ids of one pass, and one read; some messages in one turn of the core.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "ringpost/spool/limits.hpp"
#include "ringpost/spool/spool.hpp"

namespace ringpost::spool {

class Survey {
 public:
  using Wanted = std::function<bool(MessageId id)>;  // none: all
  struct Found {
    MessageId id;
    Result<Spool::Loaded> loaded;  // an error: it cannot be read now
  };
  // `pass`: how many messages the first pass has at the most. Later ones have more, up to kSurveyPassMax.
  Survey(Spool& spool, Wanted wanted, MessageId after = {}, std::size_t pass = kSurveyPassMax);
  // Those alone.
  Survey(Spool& spool, std::vector<MessageId> ids);
  // Within the spool: those that are left from before and were not handed over yet.
  explicit Survey(std::shared_ptr<Spool::State> spool);

  // Some more, after a turn of the others; none: there are no more.
  Task<std::vector<Found>> next();
  // The same with nothing owned: `to` gets each with its envelope, valid during the call, or without when it cannot be read
  // now. `ahead` (or none) hears of one some calls before. False: there are no more.
  using HandedTo = std::function<void(MessageId id, std::span<const std::byte> envelope)>;
  using Ahead = std::function<void(MessageId id)>;
  Task<bool> hand_over(const HandedTo& to, const Ahead& ahead);
  // What was handed out last ends a pass: every message up to here has been.
  bool pass_ended() const {
    return taken_ == ids_.size() && places_.empty() && reading_ == nullptr && run_left() == 0;
  }

  friend FramePool& frame_pool(Survey& survey) { return survey.frames(); }

 private:
  struct Place {
    MessageId id;
    journal::Location envelope;
    std::span<const std::byte> payload;  // in the memory of its run, once it has been read
  };
  struct Run {  // places that one read brings, in their order
    std::vector<Place> places;
    std::shared_ptr<const void> memory;
    std::size_t shown = 0;
    bool read = false;
  };
  FramePool& frames();
  Task<bool> advance();
  std::size_t run_left() const { return run_ == nullptr ? 0 : run_->places.size() - run_->shown; }
  std::shared_ptr<Run> begin_to_read();
  static Task<void> read(std::shared_ptr<Spool::State> spool, std::shared_ptr<Run> run);
  std::span<const std::byte> read_envelope(const Place& place) const;
  Task<void> gather();
  Task<void> keep_the_first();
  void find_places();
  std::size_t run_length() const;
  Task<std::vector<Found>> show();

  std::shared_ptr<Spool::State> spool_;
  Wanted wanted_;
  MessageId after_;                      // those up to here belong to earlier passes
  MessageId before_{~std::uint64_t{0}};  // while gathering: the pass is full without those behind
  std::size_t pass_;
  std::vector<MessageId> ids_;  // of the pass, rising
  std::size_t taken_ = 0;
  std::vector<Place> places_;     // the next ones, the first last
  std::shared_ptr<Run> run_;      // those before, which are being shown
  std::shared_ptr<Run> reading_;  // between the two
  bool unannounced_only_ = false;
  bool over_ = false;
};

}  // namespace ringpost::spool
