#include "ringpost/base/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace ringpost {

void assert_failed(const char* expression, const char* file, int line) noexcept {
  std::fprintf(stderr, "ringpost: %s:%d: this must hold and does not: %s\n", file, line, expression);
  std::abort();
}

}  // namespace ringpost
