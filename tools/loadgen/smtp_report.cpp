#include "smtp_report.hpp"

#include <fmt/format.h>

namespace ringpost::loadgen {

SmtpSummary::SmtpSummary(const SmtpPlan& plan, const std::vector<const SmtpCore*>& cores,
                         const Effort& effort)
    : LoadSummary(plan, {cores.begin(), cores.end()}, effort) {
  for (const SmtpCore* core : cores) {
    const SmtpFigures& figures = core->figures();
    recipients_ += figures.recipients.value();
    refused_recipients_ += figures.refused_recipients.value();
    for (std::size_t code = 0; code < figures.codes.size(); ++code) {
      const std::uint64_t count = figures.codes[code].value();
      const auto example = figures.examples.find(static_cast<int>(code));
      if (count > 0)
        refusals_.note(std::to_string(code), count,
                       example == figures.examples.end() ? std::to_string(code) : example->second);
    }
  }
}

std::string SmtpSummary::acknowledged_more() const {
  return fmt::format(", {} recipients", grouped(recipients_));
}

std::string SmtpSummary::refused_more() const {
  return fmt::format(", {} refused recipients", refused_recipients_);
}

void SmtpSummary::add_members(JsonObject& object) const {
  object.add("recipients", recipients_).add("refused_recipients", refused_recipients_);
}

}  // namespace ringpost::loadgen
