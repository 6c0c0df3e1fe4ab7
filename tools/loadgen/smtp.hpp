// `loadgen smtp`: sends mail, and says what became of it.
//
// Layer: tool. Main thread.
#pragma once

#include "process.hpp"
#include "smtp_options.hpp"

namespace ringpost::loadgen {

// The exit code: 0 when a message was acknowledged, 1 when none was, 2 when it could not start.
int run_smtp(const SmtpOptions& options, Signals& signals);

}  // namespace ringpost::loadgen
