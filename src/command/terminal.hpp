// A terminal that gives each key at once, and is as it was before when this dies.
//
// Layer: program. ANSI: alternate screen, cursor, erase; any terminal of the last thirty years.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "ringpost/base/result.hpp"
#include "ringpost/base/units.hpp"

namespace ringpost::command {

class Terminal {
 public:
  // Error: standard input or output is no terminal. SIGINT, SIGTERM and SIGHUP then end read_key instead of the process.
  static Result<std::unique_ptr<Terminal>> open();
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  struct Size {
    std::size_t width = 80, height = 24;
  };
  Size size() const;
  // Lines end with "\n"; what stood there before is gone.
  void show(std::string_view lines);
  // One key, or its escape sequence; "" when the time is over or the size has changed; "q" after a signal or when the
  // terminal has gone.
  std::string read_key(Duration wait);

 private:
  struct State;
  explicit Terminal(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace ringpost::command
