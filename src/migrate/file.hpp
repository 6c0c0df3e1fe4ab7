// Files, read whole and written once.
//
// Layer: private to `migrate`; blocking.
#pragma once

#include <string>
#include <string_view>

#include "ringpost/base/result.hpp"
#include "ringpost/base/units.hpp"

namespace ringpost::migrate {

// The error's `system` is an errno. Larger than `size_max`: permanent.
Result<std::string> read_file(const std::string& path, Bytes size_max);

// A file that is written piece by piece; nothing of it counts before close() has said so.
class NewFile {
 public:
  NewFile() = default;
  NewFile(NewFile&& other) noexcept;
  NewFile& operator=(NewFile&&) = delete;
  ~NewFile();
  // Never over one that is there.
  static Result<NewFile> make(const std::string& path, unsigned mode = 0600);
  Result<void> write(std::string_view bytes);
  // `date`: of its last change, in seconds; 0: now.
  Result<void> close(std::int64_t date = 0);

 private:
  int descriptor_ = -1;
  std::string path_;
};

// All that was written to the file system of this folder is on stable storage.
Result<void> sync_file_system(const std::string& folder);

}  // namespace ringpost::migrate
