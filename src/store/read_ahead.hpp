// Messages that were read from the disk with one that was asked for, because it was read in the order of its mailbox.
//
// Layer:  durable, private. Owner: the store of one core.
// Why:    a message that is not in memory costs a read of its own, ten times what all else costs for handing it out. Who reads a
//         mailbox from one end to the other (FETCH 1:*, RETR, SEARCH) finds its neighbours in the log beside it.
// Bytes:  of a blob never change, and ids never come back, so what is here is right as long as the blob is. Shared with the
//         contents that were made of them.
// Limits: kReadAheadSpan, kReadAheadWindows; after kReadAheadKept unused they go.
#pragma once

#include <list>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "ringpost/base/task.hpp"
#include "ringpost/base/units.hpp"
#include "ringpost/store/message.hpp"

#include "blobs.hpp"
#include "figures.hpp"

namespace ringpost::store {

class ReadAhead {
 public:
  struct Found {
    std::shared_ptr<const void> keeps;
    std::span<const std::byte> mail;   // the record's
    std::span<const std::byte> facts;  // empty: none
  };
  ReadAhead(shard::Core& core, Blobs& blobs, Figures& figures)
      : core_(core), blobs_(blobs), figures_(figures) {}
  friend FramePool& frame_pool(ReadAhead& ahead) { return ahead.core_.frames(); }

  std::optional<Found> find(BlobId id);
  // Reads the first of `next` with those behind it that lie near it in the log. Without any such it reads nothing; what
  // cannot be read is not there afterwards.
  Task<void> fill(journal::Log& log, std::span<const Message> next);
  // Lets go of what nobody has asked for in a while.
  void forget_old();

 private:
  struct Entry {
    std::uint64_t id = 0;
    std::span<const std::byte> mail, facts;
    bool facts_missing = false;
  };
  struct Window {
    std::shared_ptr<const void> memory;
    std::size_t size = 0;
    std::vector<Entry> entries;  // by id
    Instant used;
  };
  struct Wanted;
  void drop_last();
  std::vector<Wanted> near(std::span<const Message> next) const;

  shard::Core& core_;
  Blobs& blobs_;
  Figures& figures_;
  std::list<Window> windows_;  // the one used last comes first
};

// Where a user reads, so that it is seen when he reads in order.
class ReadingOrder {
 public:
  // The messages from the one with this blob on, in its mailbox; empty when it was not reached in order.
  std::span<const Message> upcoming(const class Account& account, BlobId blob);

 private:
  bool follow(std::span<const Message> messages, BlobId blob);
  MailboxId mailbox_;
  std::size_t index_ = 0;
  std::size_t advanced_ = 0;  // messages in order
};

}  // namespace ringpost::store
