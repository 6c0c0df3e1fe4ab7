// Small files, read whole and written once.
#pragma once

#include <string>
#include <string_view>

#include "ringpost/base/result.hpp"
#include "ringpost/base/units.hpp"

namespace ringpost::command {

Result<std::string> read_whole(const std::string& path, Bytes size_max);
// Never over a file that is there; on stable storage when it returns.
Result<void> write_new(const std::string& path, std::string_view content, unsigned mode);
Result<void> make_folder(const std::string& path,
                         unsigned mode = 0755);  // and its parents; fine when it is there
// The whole path, without "." and "..".
std::string whole_path(const std::string& path);

}  // namespace ringpost::command
