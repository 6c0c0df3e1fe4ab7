#include "ringpost/sasl/mechanism.hpp"

#include <algorithm>

namespace ringpost::sasl {
namespace {

char upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

}  // namespace

std::optional<Mechanism> find_mechanism(std::string_view name) {
  for (const MechanismTraits& known : kMechanisms) {
    if (std::ranges::equal(known.name, name, {}, {}, upper)) return known.mechanism;
  }
  return std::nullopt;
}

const MechanismTraits& traits(Mechanism mechanism) {
  return kMechanisms[static_cast<std::size_t>(mechanism)];
}

}  // namespace ringpost::sasl
