#include "ringpost/server/server.hpp"

#include <csignal>
#include <cstdio>

#include <fmt/format.h>
#include <pthread.h>

#include "ringpost/server/files.hpp"

#include "process.hpp"

namespace ringpost::server {

namespace {

// Every thread inherits this; the main thread waits for them with sigwait.
void block_signals() {
  sigset_t wanted;
  sigemptyset(&wanted);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&wanted, signal);
  pthread_sigmask(SIG_BLOCK, &wanted, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ,
              SIG_IGN);  // a file that may not grow is an error of its write, not the end of the server
}

constexpr int kExitFindings = 1;

}  // namespace

int serve(const std::string& config_path) {
  LoadedConfiguration loaded = load_configuration(config_path);
  for (const config::Finding& finding : loaded.loaded.findings)
    fmt::print(stderr, "{}\n", config::to_string(finding));
  if (!loaded.loaded.ok()) return kExitFindings;
  block_signals();
  Process process(absolute_path(config_path));
  if (auto started = process.start(std::move(loaded)); !started) {
    fmt::print(stderr, "ringpost: {}\n", started.error().text);
    std::fflush(stderr);
    std::_Exit(kExitFindings);  // cores may be half way; nothing was promised to anybody
  }
  return process.run();
}

}  // namespace ringpost::server
