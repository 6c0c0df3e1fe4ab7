// What loadgen says: its result on standard output, all else on standard error.
//
// Layer: tool. Any thread.
#pragma once

#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace ringpost::loadgen {

// The exit code that says: the result did not get out whole. Also: could not start, could not be read.
inline constexpr int kFailed = 2;

// Writes `text` to standard output. `code`, or kFailed when not all of it was taken (a full disk, a reader that left).
[[nodiscard]] int output(std::string_view text, int code);

// To standard error; when nobody reads that, nobody is told.
void say_text(std::string_view text);
template <class... T>
void say(fmt::format_string<T...> format, T&&... values) {
  say_text(fmt::format(format, std::forward<T>(values)...));
}

// "loadgen: TEXT" on standard error; kFailed.
int complain(std::string_view text);

}  // namespace ringpost::loadgen
