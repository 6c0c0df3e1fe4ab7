// The screen of `ringpost top`, and what its keys do. Pure: rows in, text out.
//
// Layer: program.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "top_rows.hpp"

namespace ringpost::command {

class TopScreen {
 public:
  enum class Key { none, quit, redraw, ask_now };  // what the loop has to do after a key

  // What one key means; `key` is a byte, or an escape sequence as a terminal sends it ("\x1b[C").
  Key press(std::string_view key);
  // At most `height` lines of at most `width` columns.
  std::string draw(std::span<const TopRow> rows, std::string_view title, std::size_t width,
                   std::size_t height) const;
  bool sort_by(std::string_view column);  // false: there is none
  double interval() const { return interval_; }
  void set_interval(double seconds);
  bool paused() const { return paused_; }

 private:
  std::string help(std::size_t width, std::size_t height) const;
  std::size_t sorted_ = 0;  // index of a column
  bool descending_ = false;
  std::size_t first_ = 1;  // the first column that is shown behind CORE
  bool helping_ = false;
  bool paused_ = false;
  double interval_ = 1;
};

// All columns, for --once.
std::string top_table(std::span<const TopRow> rows, std::string_view sort);
// "q quit, ..." and the columns, for --help and the screen.
std::string top_keys();

}  // namespace ringpost::command
