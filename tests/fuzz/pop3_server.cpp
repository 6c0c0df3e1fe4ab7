// pop3::ServerSession: byte 1 the listener's settings, byte 2 the splits, then what the client says. Whole and in pieces: the same.
#include <string>
#include <vector>

#include "fuzz_input.hpp"
#include "unit/pop3/pop3_driver.hpp"

using namespace ringpost;

namespace {

pop3::ServerSettings settings_of(std::uint8_t choice) {
  pop3::ServerSettings settings;
  settings.auth_needs_tls = (choice & 1U) != 0;
  settings.starttls = (choice & 2U) != 0;
  settings.mechanisms.add({sasl::Mechanism::scram_sha_256, sasl::Mechanism::scram_sha_256_plus});
  settings.mechanisms.add(sasl::MechanismSet::tokens());
  settings.errors_max = (choice & 8U) != 0 ? 3 : 1000;
  return settings;
}

template <class NextSize>
std::vector<std::string> converse(const pop3::ServerSettings& settings, bool login, std::string_view said,
                                  NextSize next_size) {
  pop3::testing::TestServer server(settings);
  server.greeted();
  if (login) server.feed("USER ann\r\nPASS secret\r\n");
  for (std::string_view rest = said; !rest.empty();) {
    const fuzz::Exact piece(rest.substr(0, next_size()));
    rest.remove_prefix(piece.text().size());
    server.feed(piece.text());
    RP_ASSERT(server.session.memory_used() <= 8 * pop3::kAuthLineBytesMax);
  }
  return std::move(server.log);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  fuzz::Input input(bytes, size);
  const std::uint8_t choice = input.byte();
  const std::uint8_t seed = input.byte();
  const pop3::ServerSettings settings = settings_of(choice);
  const bool login = (choice & 32U) != 0;
  const auto whole = converse(settings, login, input.rest(), [] { return std::string_view::npos; });
  fuzz::Sizes sizes(seed);
  const std::size_t longest = seed % 3 == 0 ? 1 : 20;
  const auto pieces = converse(settings, login, input.rest(), [&] { return sizes(longest); });
  // What stands behind STLS in one packet is dropped: pieces are another conversation.
  RP_ASSERT(settings.starttls || whole == pieces);
  return 0;
}
