// Looking at a spool without a server: what is in it, and whether it is whole. What `ringpost spool check` and `stats` say.
//
// Layer:  durable. Blocks; never writes, takes no lock. Beside a running server it sees a moment: the newest frames may
//         look like a torn tail.
// Memory: that of the index, for every message in the queue.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "ringpost/base/ids.hpp"
#include "ringpost/base/result.hpp"
#include "ringpost/io/backend.hpp"
#include "ringpost/journal/records.hpp"

namespace ringpost::spool {

struct InspectedShard {
  unsigned shard = 0;
  journal::RecoveryReport report;
  std::uint64_t messages = 0;      // in the queue
  std::uint64_t tried = 0;         // of which some recipient was tried
  std::uint64_t large = 0;         // stored in pieces
  std::uint64_t body_bytes = 0;    // of the messages in the queue
  std::uint64_t without_body = 0;  // damage took it
  std::uint64_t unreadable = 0;    // envelopes and states that could not be decoded
};

struct Inspection {
  std::uint64_t spool_id = 0;
  std::uint32_t epoch = 0;  // of the last start
  std::vector<InspectedShard> shards;
  std::uint64_t messages() const;
  bool damaged() const;  // torn tails are none
};

struct InspectedMessage {
  MessageId id;
  unsigned shard = 0;  // where it lies, which need not be the one in its id
  std::uint64_t size = 0;
  std::uint32_t recipients = 0;
  std::uint32_t pending = 0;
};

// `visit` may be empty; it gets every message of the queue, in no order.
Result<Inspection> inspect(io::Files& files, const std::string& directory,
                           const std::function<void(const InspectedMessage&)>& visit = {});

}  // namespace ringpost::spool
