// An upstream that answers from a table: for unit tests and simulated worlds, where there is no network.
//
// Layer: path. Owner: a Resolver; one core. Responses are encoded and parsed like real ones.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <unordered_map>

#include "ringpost/dns/zone.hpp"
#include "ringpost/resolve/upstream.hpp"
#include "ringpost/shard/core.hpp"

namespace ringpost::resolve {

class ScriptedUpstream final : public Upstream {
 public:
  explicit ScriptedUpstream(shard::Core& core);
  ~ScriptedUpstream() override;

  // "example.com 300 MX 10 mx.example.com"; a line that is no record stops the test.
  void add(std::string_view line);
  // What the zone says is replaced: by a failure, by silence until stop(), or by octets as they are.
  void fail(const dns::Question& question, dns::Status status);
  void stay_silent(const dns::Question& question);
  void answer_with(const dns::Question& question, std::vector<std::byte> octets);
  void obey_zone(const dns::Question& question);
  // The time that every response takes from now on; zero answers inside send().
  void set_delay(Duration delay) { delay_ = delay; }

  std::size_t asked(const dns::Question& question) const;
  std::size_t asked() const { return asked_total_; }

  void send(Request& request) override;
  void abort() override;
  Task<void> stop() override;

 private:
  struct Pending;
  struct Script;
  void answer(Request& request);
  shard::Core& core_;
  dns::Zone zone_;
  Duration delay_{0};
  std::size_t asked_total_ = 0;
  std::unordered_map<dns::Question, std::size_t> asked_;
  std::unordered_map<dns::Question, std::unique_ptr<Script>> scripts_;
  std::unordered_map<Request*, std::unique_ptr<Pending>> pending_;
  bool stopped_ = false;
};

}  // namespace ringpost::resolve
