// Mail as files hold it: LF line ends, and the mbox (mboxrd) form.
//
// Layer:   pure; works on pieces, so that a large body is never whole in memory.
// Sources: mbox(5), RFC 4155.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "ringpost/base/units.hpp"

namespace ringpost::mail {

// Turns CRLF into LF over pieces split anywhere. A bare CR stays.
class LfWriter {
 public:
  void write(std::string_view piece, std::string& out);
  void finish(std::string& out);  // a CR that was the last byte

 private:
  bool after_cr_ = false;
};

// Writes one message of an mbox: From_ line, LF line ends, "From " and ">From " lines quoted by one more '>',
// an empty line after it.
class MboxWriter {
 public:
  // "From sender Fri Nov 21 09:55:06 1997"; the null path is MAILER-DAEMON.
  void begin(std::string_view reverse_path, WallTime arrival, std::string& out);
  void write(std::string_view piece, std::string& out);
  void finish(std::string& out);

 private:
  void write_at_start(char c, std::string& out);
  void release(std::string& out);

  LfWriter lines_;
  bool at_start_ = true;     // of a line, or in what may become its ">From "
  std::size_t marks_ = 0;    // '>' seen there
  std::size_t matched_ = 0;  // bytes of "From " seen after them
};

}  // namespace ringpost::mail
