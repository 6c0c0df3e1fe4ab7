#include "sink_options.hpp"

namespace ringpost::loadgen {

std::vector<Endpoint> addresses_of(const SinkOptions& options) {
  std::vector<Endpoint> addresses = options.listen;
  for (const Persona& persona : options.personas)
    for (const IpAddress& address : persona.listen)
      addresses.push_back({address, options.listen.empty() ? std::uint16_t{0} : options.listen[0].port});
  return addresses;
}

}  // namespace ringpost::loadgen
