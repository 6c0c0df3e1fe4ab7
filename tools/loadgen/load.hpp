// What `loadgen smtp`, `imap` and `pop3` do: one run, or the search for a rate, and what became of it.
//
// Layer: tool. Main thread.
#pragma once

#include <functional>

#include "load_run.hpp"

namespace ringpost::loadgen {

// A plan at this rate: 0, or the one of the options, or another that is tried.
using MakePlan = std::function<Result<std::unique_ptr<LoadPlan>>(double rate)>;

// The exit code: 0 when something was acknowledged, 1 when nothing was, 2 when it could not start or its result could not be
// written, kLinesLost when --acknowledged could not.
int run_load(const LoadOptions& options, const MakePlan& make_plan, Signals& signals);

// Makes plans of `options` at other rates: `Plan::make(options, now, run)`.
template <class Plan, class Options>
int run_load_of(const Options& options, Signals& signals) {
  return run_load(
      options,
      [&options](double rate) -> Result<std::unique_ptr<LoadPlan>> {
        Options chosen = options;
        chosen.rate = rate;
        return Plan::make(std::move(chosen), wall_now(), random_number());
      },
      signals);
}

}  // namespace ringpost::loadgen
