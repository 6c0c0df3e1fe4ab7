// What a sink says at its end.
//
// Layer: tool. After the cores have stopped.
#pragma once

#include <string>
#include <vector>

#include "report.hpp"
#include "sink_core.hpp"

namespace ringpost::loadgen {

class SinkSummary {
 public:
  SinkSummary(const SinkPlan& plan, const std::vector<const SinkCore*>& cores, const Effort& effort);
  std::string text() const;
  std::string json() const;

 private:
  using Domains = std::vector<std::pair<std::string, DomainTable::Entry>>;
  static Domains busiest(const DomainTable& table);
  Duration receiving_time() const;
  std::string personas_text() const;
  // Why lines of --received are missing; empty: none are.
  std::string lost_lines() const { return plan_.received ? plan_.received->trouble() : ""; }
  JsonObject personas_json() const;
  std::uint64_t sum(observe::Counter SinkFigures::* counter) const;

  const SinkPlan& plan_;
  std::vector<const SinkCore*> cores_;
  Effort effort_;
  observe::Histogram transit_;
  std::uint64_t duplicates_ = 0;
  bool duplicates_known_ = true;
};

}  // namespace ringpost::loadgen
