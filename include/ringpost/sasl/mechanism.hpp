// The SASL mechanisms by name: one table that server, client and EHLO lines read.
//
// Layer: pure.
// RFCs:  4422 (names), 5802 and 7677 (SCRAM), 9266 (its binding to TLS), 4616 (PLAIN), 7628 (OAUTHBEARER); LOGIN is
//        draft-murchison-sasl-login, XOAUTH2 is Google's forerunner of OAUTHBEARER.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ringpost::sasl {

// The order is the order in which EHLO names them and a client prefers them.
enum class Mechanism : std::uint8_t { scram_sha_256_plus, scram_sha_256, plain, login, oauthbearer, xoauth2 };

struct MechanismTraits {
  Mechanism mechanism;
  std::string_view name;
  bool client_first;      // the client speaks first, so an initial response saves a round trip
  bool reveals_password;  // on the wire: only inside TLS unless the operator says otherwise
  bool wants_token;       // not a password
};

inline constexpr std::array<MechanismTraits, 6> kMechanisms{{
    {Mechanism::scram_sha_256_plus, "SCRAM-SHA-256-PLUS", true, false, false},
    {Mechanism::scram_sha_256, "SCRAM-SHA-256", true, false, false},
    {Mechanism::plain, "PLAIN", true, true, false},
    {Mechanism::login, "LOGIN", false, true, false},
    {Mechanism::oauthbearer, "OAUTHBEARER", true, true, true},
    {Mechanism::xoauth2, "XOAUTH2", true, true, true},
}};

// Names are compared without regard to case (RFC 4422 says upper case; clients do not always).
std::optional<Mechanism> find_mechanism(std::string_view name);
const MechanismTraits& traits(Mechanism mechanism);

// A set of mechanisms: what a server offers, what a peer named.
class MechanismSet {
 public:
  constexpr MechanismSet() = default;
  constexpr MechanismSet(std::initializer_list<Mechanism> list) {
    for (Mechanism m : list) add(m);
  }
  // Those that send a password as it is.
  static constexpr MechanismSet passwords() { return {Mechanism::plain, Mechanism::login}; }
  static constexpr MechanismSet tokens() { return {Mechanism::oauthbearer, Mechanism::xoauth2}; }
  constexpr void add(Mechanism m) { bits_ |= bit(m); }
  constexpr void add(MechanismSet others) { bits_ |= others.bits_; }
  constexpr void remove(Mechanism m) { bits_ &= ~bit(m); }
  constexpr bool has(Mechanism m) const { return (bits_ & bit(m)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr bool operator==(const MechanismSet&) const = default;

 private:
  static constexpr std::uint32_t bit(Mechanism m) { return std::uint32_t{1} << static_cast<unsigned>(m); }
  std::uint32_t bits_ = 0;
};

}  // namespace ringpost::sasl
