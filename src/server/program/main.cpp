// The program `ringpost`: everything it can do is a command.
#include "ringpost/command/command.hpp"
#include "ringpost/server/server.hpp"

int main(int argc, char** argv) {
  return ringpost::command::run(argc, argv, {.serve = &ringpost::server::serve});
}
