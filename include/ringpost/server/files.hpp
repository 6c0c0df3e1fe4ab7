// Small files read whole, at start and at reload. Blocking.
//
// Layer: program.
#pragma once

#include <string>

#include "ringpost/base/result.hpp"
#include "ringpost/base/units.hpp"

namespace ringpost::server {

// Errors name the file. Larger than `size_max`: permanent.
Result<std::string> read_file(const std::string& path, Bytes size_max);
std::string absolute_path(const std::string& path);

}  // namespace ringpost::server
