// [resolver]: where names are looked up.
//
// Layer: base only. Read at start on every core; a change needs a restart.
#pragma once

#include <chrono>
#include <cstdint>
#include <variant>
#include <vector>

#include "ringpost/base/options.hpp"

namespace ringpost::resolve {

struct ResolverOptions {
  std::vector<std::variant<Endpoint, IpAddress>> servers;  // empty: resolv.conf
  Duration timeout = std::chrono::seconds(3);              // of the first attempt at each server; it doubles
  std::uint32_t attempts = 3;                              // at each server
  Bytes cache_size{std::uint64_t{8} << 20};                // of each core
  FilePath hosts_file = "/etc/hosts";                      // "" for none
};

const OptionTable& option_table(const ResolverOptions*);

}  // namespace ringpost::resolve
