// What every kind of load is told: where to, how fast, how long, and where its figures go.
//
// Layer: tool (base, shard). Filled by load_arguments.cpp.
#pragma once

#include <string>
#include <vector>

#include "ringpost/base/units.hpp"

#include "arrivals.hpp"
#include "common_options.hpp"
#include "limits.hpp"

namespace ringpost::loadgen {

struct LoadOptions {
  CommonOptions common;
  std::vector<std::string> to;  // HOST:PORT; connections take them in turn
  TlsUse tls = TlsUse::none;
  bool resume_tls = false;
  std::optional<Login> login;

  std::uint64_t connections = 16;
  std::uint64_t per_connection = 0;  // messages or operations, then it says goodbye; 0: as many as there are
  std::uint64_t count = 0;           // of messages or operations; 0: until the time is over
  Duration duration{0};              // 0: 10 s, or kCountedRunMax with a count
  double rate = 0;                   // a second, open loop; 0: closed loop
  std::optional<double> ramp_to;     // the rate at the end of the run
  Spacing spacing = Spacing::fixed;
  Duration search_p99{0};                       // find the highest rate whose p99 stays below; 0: no search
  Duration timeout = std::chrono::seconds{30};  // for a connection, a reply
  std::uint64_t retries = 0;                    // of what was refused for now
  Duration retry_after = std::chrono::seconds{1};
  bool resend = false;  // do again what was not answered

  std::string name;              // of the run, in reports
  std::string run_file;          // JSON with all figures, for `loadgen report`
  std::string admin_socket;      // of a Ringpost server whose figures are sampled
  std::uint64_t server_pid = 0;  // of any server, whose memory (with its children's) is sampled

  // When the run ends at the latest.
  Duration bound() const {
    if (duration != Duration{0}) return duration;
    return count == 0 ? Duration{std::chrono::seconds{10}} : kCountedRunMax;
  }
  bool open() const { return rate > 0 || ramp_to.value_or(0) > 0; }
};

}  // namespace ringpost::loadgen
