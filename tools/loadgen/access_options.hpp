// What `loadgen imap` and `loadgen pop3` are told.
//
// Layer: tool. Filled by access_arguments.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "load_options.hpp"
#include "size_mix.hpp"

namespace ringpost::loadgen {

enum class AccessProtocol : std::uint8_t { imap, pop3 };
// How an IMAP literal is announced: LITERAL+ where the server offers it, or always with a wait for its "+".
enum class LiteralUse : std::uint8_t { automatic, synchronizing };

// An operation by its index in the protocol's table, and how often it comes.
struct DeedShare {
  std::size_t deed = 0;
  double weight = 1;
};

struct AccessOptions : LoadOptions {
  explicit AccessOptions(AccessProtocol spoken = AccessProtocol::imap) : protocol(spoken) {}

  AccessProtocol protocol;
  std::vector<DeedShare> deeds;
  std::uint64_t users = 1;  // "%d" in the login's user: connections take 0, 1, ... in turn
  std::uint64_t batch = 1;  // messages of one FETCH or STORE; 0: all of the folder

  // IMAP
  std::string folder = "INBOX";
  std::string criteria = "BODY ringpost";
  Duration idle_for{0};  // 0: until the run ends, or 1 s beside other operations
  LiteralUse literals = LiteralUse::automatic;
  SizeMix size = 4_KiB;  // of an appended message
  std::string corpus;    // real mail instead
};

}  // namespace ringpost::loadgen
