// What a server of the example of RFC 7677 section 3 knows: its user is "user", the password "pencil".
#pragma once

#include <string_view>

#include "ringpost/mail/base64.hpp"
#include "ringpost/sasl/limits.hpp"
#include "ringpost/sasl/scram_keys.hpp"

namespace ringpost::sasl::testing {

inline constexpr std::string_view kServerNonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";

inline ScramKeys rfc_keys() {
  const std::string salt = *mail::decode_base64("W22ZaJ0SNY7soEsUEjb6gQ==");
  return {salt, kScramIterationsMin, {derive_scram_key("pencil", salt, kScramIterationsMin)}};
}

// At a session's `auth_keys`: who is called "later" cannot be looked up, and "slow" has to wait.
template <class Session>
void answer_keys(Session& session) {
  static const ScramKeys keys = rfc_keys();
  const std::string login = session.credentials().authentication_id;
  if (login == "later")
    session.refuse_auth(Refusal::temporary);
  else if (login == "slow")
    session.postpone_auth("Try again in 9 seconds");
  else
    session.give_auth_keys(keys, {.nonce = std::string(kServerNonce), .channel_binding = {}});
}

}  // namespace ringpost::sasl::testing
