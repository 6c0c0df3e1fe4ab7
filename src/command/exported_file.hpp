// A file of mail that is handed to somebody: under its name it is whole and on stable storage, or it is not there.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "ringpost/base/result.hpp"

namespace ringpost::command {

// Written as PATH.new first. What is not finished is removed. An older file with that name is replaced.
class ExportedFile {
 public:
  static Result<ExportedFile> make(std::string path);
  ExportedFile(ExportedFile&& other) noexcept;
  ExportedFile& operator=(ExportedFile&&) = delete;
  ~ExportedFile();

  Result<void> write(std::span<const std::byte> bytes);
  Result<void> finish();

 private:
  ExportedFile(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}
  std::string unfinished() const { return path_ + ".new"; }

  std::string path_;
  int descriptor_;
};

// The names in a folder are durable.
Result<void> sync_folder(const std::string& path);

}  // namespace ringpost::command
