// Who keeps records of some types in a log: several may share one, so that what they write together fits one frame.
//
// Layer: durable. Owner: the core of the log; outlives it. The owner of the log hands on what concerns the part's types.
#pragma once

#include <functional>

#include "ringpost/base/ids.hpp"
#include "ringpost/base/result.hpp"
#include "ringpost/base/task.hpp"
#include "ringpost/journal/log.hpp"

namespace ringpost::journal {

class Part {
 public:
  // The record types of the one part that the owner of a log may have beside itself.
  static constexpr std::uint8_t kTypeFirst = 32, kTypeLast = 63;
  static constexpr bool has_type(std::uint8_t type) { return kTypeFirst <= type && type <= kTypeLast; }

  // What a part gets from the owner of the log, before anything else. `next_id` gives ids that are never given again.
  struct Join {
    Log* log = nullptr;
    std::function<MessageId()> next_id;
    std::function<bool(MessageId)>
        in_queue;  // whether the owner of the log has a message, once all was visited
    std::function<Task<Result<void>>()> flush;  // what has become of its messages is durable
    unsigned shard = 0;
    std::uint32_t epoch = 0;
  };

  virtual ~Part() = default;
  virtual void join(Join join) = 0;
  // Each record that was there at the opening, as Log::recover gives it.
  virtual void visit(const RecordView& view) = 0;
  // All of them were visited; or the log could not be read.
  virtual void visited(const Result<void>& read) = 0;
  // Awaited before anything is given back to the log: when it resumes, what counts has been said (add_live).
  virtual Task<Result<void>> settle() = 0;
  // See Log::set_carry, set_lost, set_damage, set_upkeep.
  virtual Task<Result<void>> carry(const RecordView& view) = 0;
  virtual void lost(const RecordView& view) = 0;
  virtual void damaged(const Damage& damage) = 0;
  virtual void upkeep() = 0;
  // Before the log is closed: what runs in the background ends, and nothing is appended afterwards.
  virtual Task<void> close() = 0;
};

}  // namespace ringpost::journal
