// What the start of a core's spool found damaged, as lines of the log: each place, and each message by its id.
//
// Layer: program. Once for each core, when its spool has started.
#pragma once

#include <cstddef>

#include "ringpost/shard/core.hpp"
#include "ringpost/spool/spool.hpp"

namespace ringpost::server {

// Of places, and of messages: further ones are counted in one more line. All of them fit the core's ring of events.
inline constexpr std::size_t kDamageNoticesMax = 500;

void name_damage(shard::Core& core, const spool::Spool& spool);

}  // namespace ringpost::server
