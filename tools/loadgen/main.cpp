// loadgen: sends mail at full speed, takes it at full speed, and compares what was sent with what came.
#include "arguments.hpp"

int main(int count, char** words) {
  return ringpost::loadgen::run(count, words);
}
