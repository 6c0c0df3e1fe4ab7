// Every message of the queue in 32 bytes, and hardly more of memory where the ids are close together (IdBlocks). What has
// happened to recipients lies in States, and only when something has.
//
// Layer: durable, private. Owner: one spool.
#pragma once

#include <cstdint>

#include "ringpost/base/id_blocks.hpp"
#include "ringpost/journal/records.hpp"

#include "records.hpp"

namespace ringpost::spool {

struct Entry {
  enum Flag : std::uint8_t {
    large = 1,         // the body is in chunks: Queue::larges knows them
    in_memory = 2,     // not in the log yet: Spool::State::held has it
    promised = 4,      // somebody relies on it: a failed frame is no reason to drop it
    has_copies = 8,    // Queue::copies knows envelopes of it in other segments
    unannounced = 16,  // left from before and not handed over yet
    dirty = 32,        // its state found no room in the log yet
    no_body = 64,      // damage took it
  };
  std::uint64_t id = 0;  // never 0
  journal::Location envelope;
  std::uint32_t body_size = 0;  // of its record, which stands before the envelope; 0: there is none
  std::uint32_t state = 0;      // in States; 0 is "all pending, never tried"
  std::uint32_t recipients : 24 = 0;
  std::uint32_t flags : 8 = 0;

  journal::Location body() const { return body_before(envelope, body_size); }
  bool is(Flag flag) const { return (flags & flag) != 0; }
  void set(Flag flag) { flags |= flag; }
  void clear(Flag flag) { flags &= static_cast<std::uint8_t>(~flag); }
};
static_assert(sizeof(Entry) == 32);

using Index = IdBlocks<Entry>;

}  // namespace ringpost::spool
