// How far an offline command is: a line that is written over, on a terminal only. A spool may hold millions.
#pragma once

#include <cstdint>
#include <string>

#include <fmt/format.h>
#include <unistd.h>

#include "context.hpp"

namespace ringpost::command {

class SpoolProgress {
 public:
  SpoolProgress(const Context& context, std::string word)
      : context_(context), word_(std::move(word)), wanted_(isatty(STDERR_FILENO) != 0) {}
  ~SpoolProgress() {
    if (shown_) context_.err("\r\x1B[K");
  }
  SpoolProgress(const SpoolProgress&) = delete;
  SpoolProgress& operator=(const SpoolProgress&) = delete;

  void show(std::uint64_t done, std::uint64_t total) {
    const std::uint64_t percent = total == 0 ? 100 : done * 100 / total;
    if (!wanted_ || (shown_ && percent == last_)) return;
    context_.err(fmt::format("\r{}: {} %", word_, percent));
    shown_ = true;
    last_ = percent;
  }

 private:
  const Context& context_;
  std::string word_;
  bool wanted_;
  bool shown_ = false;
  std::uint64_t last_ = 0;
};

}  // namespace ringpost::command
