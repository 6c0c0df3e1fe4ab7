// What a load of mailboxes says at its end, beside what every load says.
//
// Layer: tool. After the cores have stopped.
#pragma once

#include <array>
#include <vector>

#include "access_core.hpp"
#include "load_report.hpp"

namespace ringpost::loadgen {

class AccessSummary final : public LoadSummary {
 public:
  AccessSummary(const AccessPlan& plan, const std::vector<const AccessCore*>& cores, const Effort& effort);

 private:
  struct Of {
    std::uint64_t acknowledged = 0;
    std::uint64_t items = 0;
    std::uint64_t bytes = 0;
    observe::Histogram latency_ns;
  };
  void add_rows(Table& table) const override;
  void add_members(JsonObject& object) const override;
  double own_us_an_item() const;

  const AccessPlan& access_;
  std::array<Of, kDeedsMax> deeds_;
  std::uint64_t items_ = 0;
  std::uint64_t news_ = 0;
};

}  // namespace ringpost::loadgen
