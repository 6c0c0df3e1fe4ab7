// The command line of loadgen.
//
// Layer: tool.
#pragma once

namespace ringpost::loadgen {

// Reads the command line and does what it says. The exit code: see --help.
int run(int count, char** words);

}  // namespace ringpost::loadgen
