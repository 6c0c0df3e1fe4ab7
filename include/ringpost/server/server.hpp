// The server process: reads the configuration, binds, drops its privileges, runs the cores, and ends in good order.
//
// Layer: program. Owner: main. Signals: SIGTERM and SIGINT end it, SIGHUP reloads; SIGINT while it drains ends it at once.
#pragma once

#include <string>

namespace ringpost::server {

// Blocks until the server has ended; the exit status. Says on standard error what went wrong and how to mend it.
int serve(const std::string& config_path);

}  // namespace ringpost::server
