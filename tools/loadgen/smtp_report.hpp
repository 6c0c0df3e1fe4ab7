// What the sender says at its end.
//
// Layer: tool. After the cores have stopped.
#pragma once

#include <string>
#include <vector>

#include "distribution.hpp"
#include "report.hpp"
#include "smtp_core.hpp"

namespace ringpost::loadgen {

class SmtpSummary {
 public:
  SmtpSummary(const SmtpPlan& plan, const std::vector<const SmtpCore*>& cores, const Effort& effort);
  std::string text() const;
  std::string json() const;
  double rate() const { return per_second(acknowledged(), elapsed_); }
  std::uint64_t wrong() const { return sum(&SmtpFigures::refused) + sum(&SmtpFigures::unanswered); }
  std::uint64_t overdue() const;
  Distribution latency() const {
    Distribution all;
    all.add(latency_);
    return all;
  }
  std::uint64_t acknowledged() const { return sum(&SmtpFigures::acknowledged); }

 private:
  std::uint64_t sum(observe::Counter SmtpFigures::* counter) const;

  const SmtpPlan& plan_;
  std::vector<const SmtpCore*> cores_;
  Effort effort_;
  Duration elapsed_{0};
  std::uint64_t never_begun_ = 0;
  observe::Histogram latency_;
  std::map<int, std::uint64_t> codes_;
  std::map<int, std::string> examples_;
  std::map<std::string, std::uint64_t> troubles_;
};

}  // namespace ringpost::loadgen
