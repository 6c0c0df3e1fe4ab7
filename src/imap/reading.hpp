// The command that is being read. There is none between commands, so an idle session is small.
//
// Layer:   private to `imap`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ringpost/imap/command.hpp"
#include "ringpost/imap/server_session.hpp"

#include "command_table.hpp"

namespace ringpost::imap {

struct ServerSession::Words {
  std::string_view tag;  // empty: it has none that is one
  std::string_view name;
  const CommandTraits* traits = nullptr;
  bool uid = false;
  std::size_t offset = 0;  // behind the name
};

struct ServerSession::Reading {
  std::string text;            // lines and literals so far; while a line is dropped, its last bytes
  std::size_t line_begin = 0;  // in text: of the line that is being read
  std::uint64_t literal_left = 0;
  std::uint64_t dropped_line = 0;
  std::uint64_t dropped_literals = 0;

  // An APPEND with at least its mailbox.
  struct Append {
    AppendMessage message;
    bool waits = false;  // for "+"
    std::size_t count = 0;
    bool open = false;  // a message was announced: an end or an abort is due
    bool closing_parenthesis = false;
  };
  Append append;
};

}  // namespace ringpost::imap
