// The one list of the families of eval functions. A family is a file eval_FAMILY.cpp with a function that adds its own.
#include "eval_families.hpp"

namespace ringpost::filter {

const EvalRegistry& standard_evals() {
  static const EvalRegistry registry = [] {
    EvalRegistry made;
    return made;
  }();
  return registry;
}

}  // namespace ringpost::filter
