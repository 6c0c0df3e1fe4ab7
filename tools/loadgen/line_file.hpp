// A file of lines that must survive the death of this process: the ids that were acknowledged or received.
//
// Layer:  tool. Owner: the file, the run; a writer, one core.
// Order:  a core's lines are written at the end of the turn in which they were given, in one write(2). What
//         flows send in that turn enters the kernel after it (shard::Core), so a line about a message is in
//         the page cache before the reply that it is about leaves, and a SIGKILL cannot part the two.
// Errors: when a line cannot be written (a full disk) none is written after it; who runs the flows looks at trouble() and ends
//         them, because what follows is not in the file.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "ringpost/base/result.hpp"
#include "ringpost/shard/core.hpp"

namespace ringpost::loadgen {

class LineFile {
 public:
  // Appends to what is there; a line that an earlier process left unfinished is ended first.
  static Result<std::unique_ptr<LineFile>> open(const std::string& path);
  ~LineFile();
  LineFile(const LineFile&) = delete;
  LineFile& operator=(const LineFile&) = delete;

  // All of `lines`, from any thread.
  void write(std::string_view lines);
  // Why lines are missing: "write PATH: No space left on device"; empty: none are. Any thread.
  std::string trouble() const;

 private:
  LineFile(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}
  int descriptor_;
  std::string path_;
  std::atomic<int> error_ = 0;  // the first
};

class LineWriter final : shard::TurnHook {
 public:
  // `file` may be null: then lines are dropped.
  LineWriter(shard::Core& core, LineFile* file);

  bool wanted() const { return file_ != nullptr; }
  // Where the next line is put together; call `added()` after its line end.
  std::string& text() { return text_; }
  void added();

 private:
  static void turn_ended(shard::TurnHook& self);
  void write_all();
  LineFile* file_;
  std::string text_;
};

}  // namespace ringpost::loadgen
