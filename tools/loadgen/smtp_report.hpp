// What the sender of mail says at its end, beside what every load says.
//
// Layer: tool. After the cores have stopped.
#pragma once

#include <vector>

#include "load_report.hpp"
#include "smtp_core.hpp"

namespace ringpost::loadgen {

class SmtpSummary final : public LoadSummary {
 public:
  SmtpSummary(const SmtpPlan& plan, const std::vector<const SmtpCore*>& cores, const Effort& effort);

 private:
  std::string acknowledged_more() const override;
  std::string refused_more() const override;
  void add_members(JsonObject& object) const override;
  bool examples_have_codes() const override { return true; }
  std::uint64_t recipients_ = 0;
  std::uint64_t refused_recipients_ = 0;
};

}  // namespace ringpost::loadgen
