// What is in a spool, and whether it is whole: what Archive finds.
//
// Layer:  durable.
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
  std::uint64_t spool_id = 0;  // 0: the file SPOOL is damaged
  std::uint32_t epoch = 0;     // of the last start
  std::vector<InspectedShard> shards;
  std::vector<std::string> left_alone;  // what looks like a shard and is none, and why
  // Messages that are not what they were, by id: without their body, without their envelope, or with a record that does
  // not verify (an outcome of a recipient, or their end). The first kDamagedNamesMax.
  std::vector<MessageId> damaged_messages;
  std::uint64_t messages() const;
  bool damaged() const;  // torn tails are none
};

struct InspectedMessage {
  MessageId id;
  unsigned shard = 0;  // where it lies, which need not be the one in its id
  std::uint64_t size = 0;
  std::uint32_t recipients = 0;
  std::uint32_t pending = 0;
  bool no_body = false;  // damage took it
};

// `visit` may be empty; it gets every message of the queue, in no order.
Result<Inspection> inspect(io::Files& files, const std::string& directory,
                           const std::function<void(const InspectedMessage&)>& visit = {});

}  // namespace ringpost::spool
