#include <algorithm>
#include <array>

#include "ringpost/base/assert.hpp"
#include "ringpost/sasl/limits.hpp"

#include "exchanges.hpp"

namespace ringpost::sasl {
namespace {

struct Makers {
  std::unique_ptr<ServerExchange> (*server)();
  std::unique_ptr<ClientExchange> (*client)(const Credentials&, const Material&);
};

// In the order of kMechanisms.
constexpr std::array<Makers, kMechanisms.size()> kMakers{{
    {make_scram_plus_server, make_scram_plus_client},
    {make_scram_server, make_scram_client},
    {make_plain_server, make_plain_client},
    {make_login_server, make_login_client},
    {make_oauthbearer_server, make_oauthbearer_client},
    {make_xoauth2_server, make_xoauth2_client},
}};

const Makers& makers(Mechanism mechanism) {
  return kMakers[static_cast<std::size_t>(mechanism)];
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

}  // namespace

std::unique_ptr<ServerExchange> make_server(Mechanism mechanism) {
  return makers(mechanism).server();
}

std::unique_ptr<ClientExchange> make_client(Mechanism mechanism, const Credentials& credentials,
                                            const Material& material) {
  return makers(mechanism).client(credentials, material);
}

std::optional<Mechanism> choose(MechanismSet offered, MechanismSet allowed) {
  for (const MechanismTraits& known : kMechanisms) {
    if (offered.has(known.mechanism) && allowed.has(known.mechanism)) return known.mechanism;
  }
  return std::nullopt;
}

bool is_name(std::string_view field) {
  return !field.empty() && field.size() <= kFieldBytesMax && std::ranges::none_of(field, is_control);
}

bool is_password(std::string_view field) {
  return !field.empty() && field.size() <= kFieldBytesMax && field.find('\0') == std::string_view::npos;
}

void Credentials::wipe() noexcept {
  authorization_id.clear();
  authentication_id.clear();
  password.wipe();
  key.reset();
}

Step ServerExchange::take_keys(ScramKeys /*keys*/, const Material& /*material*/) {
  RP_ASSERT(false);  // only those that rest at Step::keys are given any
  return Step::malformed;
}

Step ServerExchange::verdict(bool verified) {
  credentials_.wipe();
  return verified ? Step::accepted : Step::refused;
}

}  // namespace ringpost::sasl
