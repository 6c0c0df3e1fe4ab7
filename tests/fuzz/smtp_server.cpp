// smtp::ServerSession: byte 1 the listener's settings, byte 2 the splits, then what the client says, in turns.
#include "smtp_server_harness.hpp"

using namespace ringpost;

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  fuzz::Input input(bytes, size);
  const smtp::ServerSettings settings = fuzz::server_settings(input.byte());
  const std::uint8_t seed = input.byte();
  std::vector<std::string_view> turns;
  while (!input.empty()) turns.push_back(input.until(fuzz::kTurn));
  fuzz::check_splits(settings, turns, seed);
  return 0;
}
