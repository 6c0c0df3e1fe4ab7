// A program that is started and ended: the server under test, a command that measures.
//
// Layer: tool. Main thread. A child in its own process group; it dies with its Child.
#pragma once

#include <string>

#include <sys/types.h>

#include "ringpost/base/result.hpp"
#include "ringpost/base/units.hpp"

#include "process.hpp"

namespace ringpost::loadgen {

class Child {
 public:
  // `command` is for /bin/sh, and may be several. With `capture` its output can be read; otherwise it goes to `log`.
  static Result<Child> start(const std::string& command, bool capture, const std::string& log = "/dev/null");
  Child(Child&& other) noexcept;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  Child& operator=(Child&&) = delete;
  ~Child();

  bool running();
  // User and system time so far, of all its processes.
  Duration cpu() const;
  // Everything that it prints until it ends, within `bound` and before a signal.
  Result<std::string> output(Duration bound, Signals& signals);
  // SIGTERM to all of its group, and SIGKILL when that does not help within `bound`.
  void stop(Duration bound);

 private:
  Child(pid_t pid, int output) : pid_(pid), output_(output) {}
  // Waits for those of the group that have ended; false: all have.
  bool group_lives();
  pid_t pid_;
  int output_;
  int status_ = 0;
  bool ended_ = false;
};

}  // namespace ringpost::loadgen
