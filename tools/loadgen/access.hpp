// `loadgen imap` and `loadgen pop3`: read and write mailboxes, and say how it went.
//
// Layer: tool. Main thread.
#pragma once

#include "access_options.hpp"
#include "process.hpp"

namespace ringpost::loadgen {

// The exit code: 0 when an operation was acknowledged, 1 when none was, 2 when it could not start.
int run_access(const AccessOptions& options, Signals& signals);

}  // namespace ringpost::loadgen
