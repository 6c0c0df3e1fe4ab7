#include "ringpost/server/server.hpp"
int main(int argc, char** argv) { return argc < 2 ? 2 : ringpost::server::serve(argv[argc - 1]); }
