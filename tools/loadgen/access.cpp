#include "access.hpp"

#include "access_core.hpp"
#include "load.hpp"

namespace ringpost::loadgen {

int run_access(const AccessOptions& options, Signals& signals) {
  return run_load_of<AccessPlan>(options, signals);
}

}  // namespace ringpost::loadgen
