#include "smtp.hpp"

#include "load.hpp"
#include "smtp_core.hpp"

namespace ringpost::loadgen {

int run_smtp(const SmtpOptions& options, Signals& signals) {
  return run_load_of<SmtpPlan>(options, signals);
}

}  // namespace ringpost::loadgen
