// Closes a socket that nobody wants.
#pragma once

#include "ringpost/shard/await.hpp"

namespace ringpost::shard {

inline Task<void> close_socket(Core& core, io::Handle socket) {
  (void)co_await Await(core, {.kind = io::OpKind::close, .handle = socket});
}

}  // namespace ringpost::shard
