// [server]: who this host says it is, and as whom it runs.
//
// Layer: base only.
#pragma once

#include <string>
#include <vector>

#include "ringpost/base/options.hpp"

namespace ringpost::server {

enum class IpChoice : unsigned char { ipv4, ipv6 };
constexpr auto option_choices(const IpChoice*) {
  return std::to_array<Choice<IpChoice>>({{"ipv4", IpChoice::ipv4}, {"ipv6", IpChoice::ipv6}});
}

struct ServerOptions {
  std::string hostname;  // "": the system's
  std::string origin;    // "": the hostname
  std::string user = "ringpost";
  std::vector<IpChoice> ip_versions{IpChoice::ipv4, IpChoice::ipv6};
  FilePath state_directory = "/var/lib/ringpost";
  FilePath pickup_directory = "/var/spool/ringpost-pickup";
  Duration drain = 30s;
};
const OptionTable& option_table(const ServerOptions*);

}  // namespace ringpost::server
