#include "ringpost/accounts/login_desk.hpp"

#include <array>
#include <chrono>

#include <fmt/format.h>

#include "ringpost/accounts/limits.hpp"
#include "ringpost/shard/await.hpp"

namespace ringpost::accounts {

sasl::Material LoginDesk::material(std::string channel_binding) {
  std::array<std::uint64_t, 3> random{};
  for (std::uint64_t& number : random) number = core_.random();
  return {.nonce = sasl::make_nonce(random), .channel_binding = std::move(channel_binding)};
}

Task<LoginVerdict> LoginDesk::judge(sasl::Credentials credentials, LoginClient client) {
  const Instant begun = core_.now();
  const std::string account =
      credentials.authentication_id.empty() ? credentials.authorization_id : credentials.authentication_id;
  LoginAnswer answer = co_await accounts_.authenticate(core_, client.peer, std::move(credentials));
  if (answer.login == Login::accepted)
    co_return LoginVerdict{.accepted = true, .name = std::move(answer.name), .postponed = {}};
  if (answer.login == Login::delayed) co_return postponed(client, account, answer.wait);
  const bool refused = answer.login == Login::refused;
  figures_.failures.add();
  note(refused              ? "login refused"
       : answer.why.empty() ? "login unavailable"
                            : "login unavailable: " + answer.why,
       client, account);
  const auto steps = (core_.now() - begun) / kRefusalStep + 1;
  co_await shard::Sleep(core_, begun + kRefusalStep * steps);
  co_return LoginVerdict{.name = {},
                         .refusal = refused ? sasl::Refusal::credentials : sasl::Refusal::temporary,
                         .postponed = {}};
}

LoginVerdict LoginDesk::postponed(LoginClient client, std::string_view account, Duration wait) {
  figures_.delayed.add();
  note("login delayed", client, account);
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(wait).count();
  return {.name = {},
          .refusal = sasl::Refusal::temporary,
          .postponed = fmt::format("Too many failed logins, try again in {} seconds", seconds)};
}

void LoginDesk::note(std::string_view reason, LoginClient client, std::string_view account) {
  core_.events()
      .begin(observe::EventType::rejected, core_.wall_now())
      .add(observe::EventKey::peer, to_string(client.peer))
      .add(observe::EventKey::listener, client.listener)
      .add(observe::EventKey::auth_user, account)
      .add(observe::EventKey::reason, reason)
      .finish();
}

}  // namespace ringpost::accounts
