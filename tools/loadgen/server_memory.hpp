// Memory of the server that is loaded, as the kernel tells it.
//
// Layer: tool. Main thread.
#pragma once

#include <cstdint>
#include <optional>

#include "ringpost/base/result.hpp"

namespace ringpost::loadgen {

struct ServerMemory {
  std::optional<std::uint64_t> before;  // of the first connection
  std::optional<std::uint64_t> loaded;  // at the end of the run, with all connections there
};

// Bytes that the process and all its descendants hold for themselves (private pages); an error where one may not look, or
// nothing is.
Result<std::uint64_t> private_memory(std::uint64_t pid);

}  // namespace ringpost::loadgen
