#include "load_plan.hpp"

#include <fmt/format.h>

#include "limits.hpp"
#include "process.hpp"

namespace ringpost::loadgen {

Duration LoadPlan::bound() const {
  return load().bound();
}

RateProfile LoadPlan::profile() const {
  return {load().rate, load().ramp_to.value_or(load().rate), bound()};
}

std::string LoadPlan::load_text() const {
  const LoadOptions& options = load();
  const std::string_view spacing = options.spacing == Spacing::poisson ? "Poisson, " : "";
  if (options.ramp_to)
    return fmt::format("open, {}{:.0f} to {:.0f}/s", spacing, options.rate, *options.ramp_to);
  if (options.rate > 0) return fmt::format("open, {}{:.0f}/s", spacing, options.rate);
  return "closed";
}

std::string LoadPlan::secured(std::string name) const {
  if (load().tls == TlsUse::starttls) name += " + STARTTLS";
  if (load().tls == TlsUse::implicit) name += " + TLS";
  return name;
}

Result<void> LoadPlan::look_up_targets() {
  for (const std::string& to : load().to)
    for (const Endpoint& endpoint : RP_TRY(look_up(to)))
      targets.push_back(
          {endpoint, parse_endpoint(to) ? to_string(endpoint.address) : to.substr(0, to.rfind(':'))});
  return {};
}

Result<std::unique_ptr<tls::ClientContext>> LoadPlan::make_tls() const {
  if (load().tls == TlsUse::none) return std::unique_ptr<tls::ClientContext>{};
  return tls::ClientContext::build({});
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

}  // namespace ringpost::loadgen
