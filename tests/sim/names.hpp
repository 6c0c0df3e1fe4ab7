// The DNS of the simulated world: true answers late, false ones, and none.
//
// Layer: simulator. Owner: the World has one Names; each core's resolver has a NamesUpstream.
#pragma once

#include <cstdint>
#include <list>
#include <memory>

#include "ringpost/dns/zone.hpp"
#include "ringpost/resolve/upstream.hpp"
#include "ringpost/shard/core.hpp"

#include "coverage.hpp"
#include "io/sim_chance.hpp"
#include "profile.hpp"

namespace ringpost::simulator {

class Names {
 public:
  Names(const Profile& profile, Coverage& coverage);
  void be_truthful() { rates_ = {}; }
  std::unique_ptr<resolve::Upstream> upstream(shard::Core& core);

  // A domain and where its mail goes.
  static std::string domain(unsigned number) { return "d" + std::to_string(number) + ".test"; }
  static IpAddress host(unsigned number) {
    return IpAddress::ipv4(192, 0, 2, static_cast<std::uint8_t>(number + 1));
  }
  // Where senders live. Nobody lies about it: a report that is refused for good is dropped, and rightly so.
  static constexpr const char* kHome = "home.test";
  static IpAddress home_host() { return IpAddress::ipv4(192, 0, 2, 100); }

 private:
  friend class NamesUpstream;
  struct Answer {
    Duration delay{0};
    std::vector<std::byte> octets;  // empty: `status`
    dns::Status status = dns::Status::servfail;
  };
  Answer answer(const dns::Question& question);
  bool strikes(std::uint32_t rate, std::string_view what);

  Profile::Names rates_;
  unsigned domains_;
  Coverage& coverage_;
  io::sim::Random random_;
  dns::Zone zone_;
};

}  // namespace ringpost::simulator
