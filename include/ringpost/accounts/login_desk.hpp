// What every protocol's driver does alike when a client logs in: finds keys, has the credentials judged, makes who failed wait, and
// writes it to the log.
//
// Layer:  durable. Owner: one for each service of a core.
// Safety: a refusal comes a full number of seconds after the attempt, whatever was looked at: its time tells nothing.
#pragma once

#include <string>
#include <string_view>

#include "ringpost/accounts/accounts.hpp"
#include "ringpost/observe/registry.hpp"
#include "ringpost/sasl/server_login.hpp"
#include "ringpost/shard/core.hpp"

namespace ringpost::accounts {

// Who is at the door. `listener` outlives the login.
struct LoginClient {
  IpAddress peer;
  std::string_view listener;
};

// How a login ended.
struct LoginVerdict {
  bool accepted = false;
  std::string name;  // accepted: the account, as it is written in its source
  sasl::Refusal refusal = sasl::Refusal::credentials;
  std::string postponed;  // not empty: nothing was looked at, and this is to be said

  // Not accepted: by what the session says so.
  template <class Session>
  void tell(Session& session) const {
    if (postponed.empty())
      session.refuse_auth(refusal);
    else
      session.postpone_auth(postponed);
  }
};

class LoginDesk {
 public:
  LoginDesk(shard::Core& core, Accounts& accounts) : core_(core), accounts_(accounts) {}

  // `bound`: TLS gives a channel binding.
  sasl::MechanismSet mechanisms(bool bound) const { return accounts_.mechanisms(bound); }

  // At a session's `auth_keys`: gives the keys, or says how long to wait.
  template <class Session>
  Task<void> give_keys(Session& session, LoginClient client, std::string channel_binding) {
    KeysAnswer answer =
        co_await accounts_.scram_keys(core_, client.peer, session.credentials().authentication_id);
    if (answer.wait > Duration{})
      postponed(client, session.credentials().authentication_id, answer.wait).tell(session);
    else
      session.give_auth_keys(std::move(answer.keys), material(std::move(channel_binding)));
  }
  // At `auth`. What it says is for the caller to tell.
  Task<LoginVerdict> judge(sasl::Credentials credentials, LoginClient client);

  void note(std::string_view reason, LoginClient client, std::string_view account);

  struct Figures {
    observe::Counter failures, delayed;
  };
  Figures& figures() { return figures_; }
  friend FramePool& frame_pool(LoginDesk& desk) { return desk.core_.frames(); }

 private:
  LoginVerdict postponed(LoginClient client, std::string_view account, Duration wait);
  sasl::Material material(std::string channel_binding);
  shard::Core& core_;
  Accounts& accounts_;
  Figures figures_;
};

}  // namespace ringpost::accounts
