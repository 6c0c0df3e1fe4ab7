// The client side of one SASL exchange, before any encoding.
//
// Layer:   pure.
// Owner:   the protocol session, for the length of one AUTH command. The credentials outlive the exchange.
// Input:   decoded challenges. Output: messages to send.
// Limits:  sasl/limits.hpp; a server that exceeds one, or cannot prove that it knows the password, gets no answer.
// RFCs:    4422, 4616, 5802, 7677, 7628, 9266.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "ringpost/sasl/mechanism.hpp"
#include "ringpost/sasl/server.hpp"

namespace ringpost::sasl {

class ClientExchange {
 public:
  virtual ~ClientExchange() = default;
  ClientExchange(const ClientExchange&) = delete;
  ClientExchange& operator=(const ClientExchange&) = delete;

  // The first message of a client-first mechanism, nullopt for the others.
  virtual std::optional<Secret> initial() = 0;
  // The answer to a challenge, nullopt when none is due: the exchange must be cancelled.
  virtual std::optional<Secret> answer(std::string_view challenge) = 0;
  // False while the server owes the proof that it knows the password too: its "yes" is then worth nothing.
  virtual bool satisfied() const { return true; }

 protected:
  ClientExchange() = default;
};

// `credentials` must outlive the exchange. SCRAM needs a nonce, and its -PLUS the channel's binding.
std::unique_ptr<ClientExchange> make_client(Mechanism mechanism, const Credentials& credentials,
                                            const Material& material = {});

// The best mechanism that both sides have, in the order of kMechanisms.
std::optional<Mechanism> choose(MechanismSet offered, MechanismSet allowed = MechanismSet::passwords());

}  // namespace ringpost::sasl
