// The program `ringpost`: everything it can do is a command.
#include "ringpost/command/command.hpp"
#include "ringpost/server/server.hpp"

int main(int argc, char** argv) {
  using ringpost::server::Configuration;
  return ringpost::command::run(
      argc, argv,
      {.serve = &ringpost::server::serve,
       .load = &ringpost::server::load_configuration,
       .schema_of = &ringpost::server::schema_of,
       .hostname_of = [](const Configuration& configuration) { return configuration.hostname(); }});
}
