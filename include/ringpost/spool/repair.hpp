// Mending a spool whose server is stopped. The only offline tool that writes, and only when told.
//
// Layer:  durable. Blocks. Takes the spool's lock, so it refuses beside a running server.
// Mends:  the file SPOOL from the headers of the segments; headers from first frames; index tables that do not verify are
//         taken away. Never touches a frame: damaged ones are copied to SPOOL/damaged, for who wants to try more.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "ringpost/base/result.hpp"
#include "ringpost/io/backend.hpp"

namespace ringpost::spool {

struct Repaired {
  std::size_t findings = 0;
  std::size_t left = 0;  // of them: what nobody can mend, so it stays as it is
};
// `tell` is called for each thing that is wrong; with `write` it has been mended when the call returns, or is left as it is.
Result<Repaired> repair(io::Files& files, const std::string& directory, bool write,
                        const std::function<void(std::string_view)>& tell);

}  // namespace ringpost::spool
