// Both sides of every SASL mechanism. The first byte chooses the mechanism and the side, the second whether a message comes at
// once; then the peer's messages, one in each turn.
#include <optional>
#include <string>
#include <vector>

#include "ringpost/sasl/client.hpp"
#include "ringpost/sasl/limits.hpp"
#include "ringpost/sasl/server.hpp"

#include "fuzz_input.hpp"

using namespace ringpost;

namespace {

const sasl::ScramKeys& keys() {
  static const sasl::ScramKeys made{"salt",
                                    sasl::kScramIterationsMin,
                                    {sasl::derive_scram_key("secret", "salt", sasl::kScramIterationsMin)}};
  return made;
}

void check_credentials(const sasl::Credentials& credentials) {
  for (const std::string* name : {&credentials.authentication_id, &credentials.authorization_id}) {
    RP_ASSERT(name->size() <= sasl::kFieldBytesMax);
    for (const char c : *name) RP_ASSERT(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  }
  RP_ASSERT(credentials.password.view().size() <= sasl::kMessageBytesMax);
}

// Nobody who does not know the password is accepted: a token or password passes here only if it is "secret".
void serve(sasl::Mechanism mechanism, fuzz::Input& input, bool initial) {
  const auto server = sasl::make_server(mechanism);
  std::vector<fuzz::Exact> said;
  said.reserve(8);
  const auto next = [&] { return said.emplace_back(input.until(fuzz::kTurn)).text(); };
  bool proven = false;
  sasl::Step step = server->start(initial ? std::optional(next()) : std::nullopt);
  for (int round = 0; round < 8; ++round) {
    switch (step) {
      case sasl::Step::challenge:
        if (said.size() == said.capacity()) return;
        step = server->answer(next());
        break;
      case sasl::Step::keys:
        check_credentials(server->credentials());
        step = server->take_keys(keys(), {.nonce = "server", .channel_binding = "channel"});
        break;
      case sasl::Step::verify:
        check_credentials(server->credentials());
        proven = server->credentials().evidence == sasl::Evidence::proof
                     ? server->credentials().key.has_value()
                     : server->credentials().password.view() == "secret";
        step = server->verdict(proven || server->credentials().evidence == sasl::Evidence::proof);
        RP_ASSERT(proven || step != sasl::Step::accepted);
        break;
      case sasl::Step::accepted:
        RP_ASSERT(proven);
        return;
      case sasl::Step::refused:
      case sasl::Step::malformed:
        return;
    }
  }
}

void ask(sasl::Mechanism mechanism, fuzz::Input& input, bool initial) {
  sasl::Credentials credentials;
  credentials.authentication_id = "ann";
  credentials.password = sasl::Secret("secret");
  const auto client =
      sasl::make_client(mechanism, credentials, {.nonce = "client", .channel_binding = "channel"});
  if (initial) (void)client->initial();
  for (int round = 0; round < 6 && !input.empty(); ++round) {
    const fuzz::Exact challenge(input.until(fuzz::kTurn));
    // A server that lets a client work for seconds would let the fuzzer wait as well.
    if (challenge.text().find("i=") != std::string_view::npos &&
        challenge.text().find("i=4096") == std::string_view::npos)
      return;
    const auto answer = client->answer(challenge.text());
    if (!answer) return;
    RP_ASSERT(answer->view().size() <= 4 * sasl::kMessageBytesMax);
    const bool scram =
        mechanism == sasl::Mechanism::scram_sha_256 || mechanism == sasl::Mechanism::scram_sha_256_plus;
    RP_ASSERT(!scram || answer->view().find("secret") == std::string_view::npos);
  }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  fuzz::Input input(bytes, size);
  const std::uint8_t choice = input.byte();
  const sasl::Mechanism mechanism = sasl::kMechanisms[choice % sasl::kMechanisms.size()].mechanism;
  const bool initial = input.byte() % 2 == 1;
  if (choice >= 128)
    ask(mechanism, input, initial);
  else
    serve(mechanism, input, initial);
  (void)sasl::parse_scram_keys(input.rest());
  return 0;
}
