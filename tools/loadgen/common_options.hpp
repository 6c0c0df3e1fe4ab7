// What both sides are told: which cores, which backend, how to report.
//
// Layer: tool (base, shard).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "ringpost/shard/options.hpp"

namespace ringpost::loadgen {

enum class Protocol : std::uint8_t { smtp, submission, lmtp };
enum class TlsUse : std::uint8_t { none, starttls, implicit };

struct Login {
  std::string user;
  std::string password;
};

struct CommonOptions {
  shard::CoreOptions cores;
  std::uint64_t seed = 1;
  bool json = false;
  bool quiet = false;  // no progress
};

}  // namespace ringpost::loadgen
