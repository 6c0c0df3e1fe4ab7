// RP_ASSERT: a statement about our own code. On in release too: a wrong server must stop, not guess.
//
// Layer: base. For what the world did wrong use Result; for what a peer did wrong use a reply.
#pragma once

namespace ringpost {

// Prints the expression and where it stands to standard error, then aborts.
[[noreturn, gnu::cold]] void assert_failed(const char* expression, const char* file, int line) noexcept;

}  // namespace ringpost

#define RP_ASSERT(expression)                         \
  (__builtin_expect(static_cast<bool>(expression), 1) \
       ? static_cast<void>(0)                         \
       : ::ringpost::assert_failed(#expression, __FILE__, __LINE__))
