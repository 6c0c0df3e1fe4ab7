// What a run needs of its own process: CPU time, descriptors, signals, a terminal.
//
// Layer: tool. Main thread only, but for the times of a thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "ringpost/base/address.hpp"
#include "ringpost/base/result.hpp"
#include "ringpost/base/units.hpp"

namespace ringpost::loadgen {

// User and system time of all threads of the process, those of the kernel's io_uring workers among them.
Duration process_cpu_time();
// Of the calling thread.
Duration thread_cpu_time();
// How long the calling thread was ready to run while others had its CPU; 0 when the kernel does not say.
Duration thread_wait_time();
Duration steady_now();
WallTime wall_now();
std::uint32_t random_number();

// Without destructors: for a run whose tasks did not end, and which may still be using what would be destroyed.
[[noreturn]] void leave_at_once(int code);

void raise_descriptor_limit();
// "host:port", "192.0.2.1:25", "[2001:db8::1]:25"; a name is looked up by the system.
Result<std::vector<Endpoint>> look_up(const std::string& host_and_port);
Result<std::string> read_file(const std::string& path, std::size_t bytes_max);

// While it lives, SIGINT and SIGTERM wait here. Make it before any thread.
class Signals {
 public:
  Signals();
  // Waits for so long; true when one came.
  bool wait(std::chrono::nanoseconds time);
  bool came() const { return came_; }

 private:
  bool came_ = false;
};

// One line of progress a second on a terminal, overwritten in place.
class ProgressLine {
 public:
  explicit ProgressLine(bool wanted);
  ~ProgressLine() { clear(); }
  bool due();
  void show(const std::string& line);
  void clear();

 private:
  bool wanted_;
  bool shown_ = false;
  Duration next_;
};

}  // namespace ringpost::loadgen
