// [resolver]: where names are looked up.
//
// Layer: base only. Read at start on every core; a change needs a restart.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/base/options.hpp"

namespace ringpost::resolve {

struct ResolverOptions {
  std::vector<std::string> servers;            // "ADDRESS" or "ADDRESS:PORT"; empty: resolv.conf
  Duration timeout = std::chrono::seconds(3);  // of the first attempt at each server; it doubles
  std::uint32_t attempts = 3;                  // at each server
  Bytes cache_size{std::uint64_t{8} << 20};    // of each core
  FilePath hosts_file = "/etc/hosts";          // "" for none
};

// "127.0.0.1", "127.0.0.1:5353", "::1", "[::1]:5353"; the port is 53 unless given.
Result<Endpoint> parse_server(std::string_view text);

const OptionTable& option_table(const ResolverOptions*);

}  // namespace ringpost::resolve
