// The SASL mechanisms by name: one table that server, client and EHLO lines read.
//
// Layer: pure.
// RFCs:  4422 (names), 4616 (PLAIN); LOGIN is draft-murchison-sasl-login.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ringpost::sasl {

// The order is the order in which EHLO names them and a client prefers them.
enum class Mechanism : std::uint8_t { plain, login };

struct MechanismTraits {
  Mechanism mechanism;
  std::string_view name;
  bool client_first;      // the client speaks first, so an initial response saves a round trip
  bool reveals_password;  // on the wire: only inside TLS unless the operator says otherwise
};

inline constexpr std::array<MechanismTraits, 2> kMechanisms{{
    {Mechanism::plain, "PLAIN", true, true},
    {Mechanism::login, "LOGIN", false, true},
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
  static constexpr MechanismSet all() { return {Mechanism::plain, Mechanism::login}; }
  constexpr void add(Mechanism m) { bits_ |= bit(m); }
  constexpr bool has(Mechanism m) const { return (bits_ & bit(m)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr bool operator==(const MechanismSet&) const = default;

 private:
  static constexpr std::uint32_t bit(Mechanism m) { return std::uint32_t{1} << static_cast<unsigned>(m); }
  std::uint32_t bits_ = 0;
};

}  // namespace ringpost::sasl
