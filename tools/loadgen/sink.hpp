// `loadgen sink`: takes all mail that comes, checks it, and says at the end what came.
//
// Layer: tool. Main thread.
#pragma once

#include "sink_options.hpp"

namespace ringpost::loadgen {

// The exit code: 0, 2 when it could not start or its result could not be written, kLinesLost when --received could not.
int run_sink(SinkOptions options);

}  // namespace ringpost::loadgen
