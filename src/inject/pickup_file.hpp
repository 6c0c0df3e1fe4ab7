// Files of the pickup directory: listed, opened with distrust, read, moved away, deleted.
//
// Layer: services, private. Blocking: for the offload pool.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

#include "ringpost/base/result.hpp"
#include "ringpost/inject/pickup_format.hpp"

namespace ringpost::inject {

// Up to `limit` names of finished files that are not in `passed_over`, oldest first by name; deletes unfinished files that
// are very old.
Result<std::vector<std::string>> list_pickup(const std::string& directory, std::size_t limit,
                                             const std::unordered_set<std::string>& passed_over);

struct PickupFile {
  std::uint32_t owner = 0;
  std::string owner_name;  // "" for an id that has no name
  PickupMessage message;   // its body with CRLF line ends
};
// Errors: permanent (move it away: no plain file, linked twice, malformed, too large), temporary or exhausted (try later),
// closed (it is gone).
Result<PickupFile> read_pickup(const std::string& directory, const std::string& name, std::size_t size_max);

// Into the folder "bad", as it is.
Result<void> move_to_bad(const std::string& directory, const std::string& name);
Result<void> delete_pickup(const std::string& directory, const std::string& name);

// LF, CRLF and a CR by itself all end a line; the result has CRLF only, at its end too.
std::string with_crlf(std::string_view text);

}  // namespace ringpost::inject
