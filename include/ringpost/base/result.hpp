// Result<T>: a value, or an error that knows whether trying again can help.
//
// Layer: base. Context is added once, where the layer changes: `return fail(std::move(error).in("open spool"))`.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace ringpost {

// What the caller can do about it, not what happened: that is in `text`.
enum class ErrorKind : unsigned char {
  temporary,  // the same call may succeed later
  permanent,  // the same call will fail again
  cancelled,  // we asked for it to stop
  timed_out,  // its deadline passed
  closed,     // the other side went away
  exhausted,  // a limit or the disk is full; give back something and try again
};

std::string_view to_string(ErrorKind kind);

struct [[nodiscard]] Error {
  ErrorKind kind = ErrorKind::permanent;
  int system = 0;    // errno, or 0
  std::string text;  // for a person: what failed, without a trailing full stop

  // "open spool: permission denied": prefixes `text` with what was being done.
  Error in(std::string_view doing) &&;
  bool temporary() const { return kind != ErrorKind::permanent; }
};

template <class T = void>
using Result = std::expected<T, Error>;

// `return fail(ErrorKind::permanent, "no such user");`
inline std::unexpected<Error> fail(ErrorKind kind, std::string text) {
  return std::unexpected<Error>(Error{kind, 0, std::move(text)});
}
inline std::unexpected<Error> fail(Error error) {
  return std::unexpected<Error>(std::move(error));
}

// The error of a failed system call; `system_error` is an errno value (positive).
Error system_error(int system_error, std::string_view doing);
inline std::unexpected<Error> fail_system(int error, std::string_view doing) {
  return std::unexpected<Error>(system_error(error, doing));
}

}  // namespace ringpost

// `auto fd = RP_TRY(open(path));` gives the value, or returns the error from this function.
#define RP_TRY(expression)                                      \
  ({                                                            \
    auto rp_result = (expression);                              \
    if (!rp_result) [[unlikely]]                                \
      return ::std::unexpected(::std::move(rp_result).error()); \
    *::std::move(rp_result);                                    \
  })
// The same for Result<void>.
#define RP_CHECK(expression)                                    \
  do {                                                          \
    auto rp_result = (expression);                              \
    if (!rp_result) [[unlikely]]                                \
      return ::std::unexpected(::std::move(rp_result).error()); \
  } while (false)
// The same two inside a coroutine.
#define RP_CO_TRY(expression)                                      \
  ({                                                               \
    auto rp_result = (expression);                                 \
    if (!rp_result) [[unlikely]]                                   \
      co_return ::std::unexpected(::std::move(rp_result).error()); \
    *::std::move(rp_result);                                       \
  })
#define RP_CO_CHECK(expression)                                    \
  do {                                                             \
    auto rp_result = (expression);                                 \
    if (!rp_result) [[unlikely]]                                   \
      co_return ::std::unexpected(::std::move(rp_result).error()); \
  } while (false)
