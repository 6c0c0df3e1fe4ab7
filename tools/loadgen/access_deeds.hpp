// The operations of clients that read mail, by name.
//
// Layer: tool, pure. The index in a table is what DeedShare and the figures count by.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "access_options.hpp"

namespace ringpost::loadgen {

enum class ImapDeed : std::uint8_t {
  login,
  noop,
  list,
  status,
  select,
  flags,
  envelope,
  fetch,
  store,
  append,
  search,
  idle
};
enum class Pop3Deed : std::uint8_t { login, noop, stat, list, uidl, top, retr, dele };

struct Deed {
  std::string_view name;
  double weight = 0;  // in a mix as real clients make it
  std::string_view about;
};

inline constexpr std::array<Deed, 12> kImapDeeds{
    {{"login", 5, "LOGIN and LOGOUT on a connection of its own"},
     {"noop", 10, "NOOP"},
     {"list", 2, "LIST \"\" *"},
     {"status", 15, "STATUS of the folder"},
     {"select", 12, "SELECT of the folder"},
     {"flags", 8, "UID FETCH 1:* (FLAGS)"},
     {"envelope", 10, "flags, envelope and structure of the last 50 messages"},
     {"fetch", 20, "BODY.PEEK[] of --batch messages, one batch after the other"},
     {"store", 8, "+FLAGS or -FLAGS (\\Seen) of --batch messages"},
     {"append", 4, "APPEND of a message of --size"},
     {"search", 1, "UID SEARCH --criteria"},
     {"idle", 5, "IDLE, acknowledged when the server waits; ends after --idle-for"}}};
inline constexpr std::array<Deed, 8> kPop3Deeds{
    {{"login", 10, "USER, PASS and QUIT on a connection of its own"},
     {"noop", 0, "NOOP"},
     {"stat", 10, "STAT"},
     {"list", 10, "LIST"},
     {"uidl", 20, "UIDL"},
     {"top", 10, "TOP of the next message, no lines of its body"},
     {"retr", 40, "RETR of the next message"},
     {"dele", 0, "DELE of the next message; at the last of them QUIT"}}};

constexpr std::span<const Deed> deeds_of(AccessProtocol protocol) {
  return protocol == AccessProtocol::imap ? std::span<const Deed>(kImapDeeds)
                                          : std::span<const Deed>(kPop3Deeds);
}

}  // namespace ringpost::loadgen
