// imap::ServerSession: byte 1 the listener's settings, byte 2 the splits, then what the client says. Whole and in pieces: the same
// answers, the same commands, the same messages, and memory that what was said bounds.
#include <algorithm>
#include <string>
#include <vector>

#include "fuzz_input.hpp"
#include "unit/imap/imap_driver.hpp"

using namespace ringpost;

namespace {

imap::ServerSettings settings_of(std::uint8_t choice) {
  imap::ServerSettings settings;
  settings.auth_needs_tls = (choice & 1U) != 0;
  settings.starttls = (choice & 2U) != 0;
  if ((choice & 4U) != 0) settings.append_limit = 20_B;
  settings.mechanisms.add({sasl::Mechanism::scram_sha_256, sasl::Mechanism::scram_sha_256_plus});
  settings.mechanisms.add(sasl::MechanismSet::tokens());
  settings.bad_commands_max = (choice & 8U) != 0 ? 3 : 1000;
  if ((choice & 16U) != 0) settings.capabilities = {};
  return settings;
}

// Commands of other states are worth more than another login.
std::string_view prelude(std::uint8_t choice) {
  if ((choice & 64U) != 0) return "x LOGIN ann secret\r\nx ENABLE QRESYNC UTF8=ACCEPT\r\nx SELECT INBOX\r\n";
  if ((choice & 32U) != 0) return "x LOGIN ann secret\r\n";
  return "";
}

template <class NextSize>
imap::testing::TestServer converse(const imap::ServerSettings& settings, std::uint8_t choice,
                                   std::string_view said, NextSize next_size) {
  imap::testing::TestServer server(settings);
  server.greeted();
  server.feed(prelude(choice));
  for (std::string_view rest = said; !rest.empty();) {
    const fuzz::Exact piece(rest.substr(0, next_size()));
    rest.remove_prefix(piece.text().size());
    server.feed(piece.text());
    constexpr std::size_t kAtRest = 16 * 1024;
    RP_ASSERT(server.session.memory_used() <= kAtRest + 4 * imap::kCommandBytesMax);
  }
  return server;
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  fuzz::Input input(bytes, size);
  const std::uint8_t choice = input.byte();
  const std::uint8_t seed = input.byte();
  const imap::ServerSettings settings = settings_of(choice);
  const auto whole = converse(settings, choice, input.rest(), [] { return std::string_view::npos; });
  fuzz::Sizes sizes(seed);
  const std::size_t longest = seed % 3 == 0 ? 1 : seed % 3 == 1 ? 7 : 100;
  const auto pieces = converse(settings, choice, input.rest(), [&] { return sizes(longest); });
  // What stands behind STARTTLS in one packet is dropped: pieces are another conversation.
  const bool same = settings.starttls || (whole.log == pieces.log && whole.messages == pieces.messages);
  if (!same)
    fmt::print(stderr, "whole:\n{}\npieces:\n{}\n", fmt::join(whole.log, "\n"), fmt::join(pieces.log, "\n"));
  RP_ASSERT(same);
  return 0;
}
