// Files, read whole and written once.
//
// Layer: private to `migrate`; blocking.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "ringpost/base/result.hpp"
#include "ringpost/base/units.hpp"

namespace ringpost::migrate {

// The error's `system` is an errno. Larger than `size_max`: permanent.
Result<std::string> read_file(const std::string& path, Bytes size_max);

// A folder and what is below it, whose owner may be anybody: nothing is followed out of it, not even when names are changed while
// it is read. A symbolic link within is an error (ELOOP), and so is what is no file (a pipe would wait for its writer).
class Folder {
 public:
  static Result<Folder> open(const std::string& path);
  Folder(Folder&& other) noexcept;
  Folder& operator=(Folder&&) = delete;
  ~Folder();
  // Of the file `name`, relative to the folder, to be read; who asks closes it.
  Result<int> open_file(const std::string& name) const;
  // As read_file().
  Result<std::string> read(const std::string& name, Bytes size_max) const;

 private:
  Folder(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
  int descriptor_;
  std::string path_;
};

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
