// Sizes, durations and the two clocks, each a type of its own so that they cannot be swapped.
//
// Layer: base.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "ringpost/base/result.hpp"

namespace ringpost {

// A size in bytes.
struct Bytes {
  std::uint64_t count = 0;
  constexpr auto operator<=>(const Bytes&) const = default;
  friend constexpr Bytes operator+(Bytes a, Bytes b) { return {a.count + b.count}; }
  friend constexpr Bytes operator-(Bytes a, Bytes b) { return {a.count - b.count}; }
  friend constexpr Bytes operator*(Bytes a, std::uint64_t n) { return {a.count * n}; }
};

using Duration = std::chrono::nanoseconds;

// A point on the steady clock of a core (io::Backend::now). Never stored, never compared across processes.
struct Instant {
  Duration since_start{0};
  constexpr auto operator<=>(const Instant&) const = default;
  friend constexpr Instant operator+(Instant a, Duration d) { return {a.since_start + d}; }
  friend constexpr Instant operator-(Instant a, Duration d) { return {a.since_start - d}; }
  friend constexpr Duration operator-(Instant a, Instant b) { return a.since_start - b.since_start; }
  static constexpr Instant never() { return {Duration::max()}; }
};

// A point on the calendar, in nanoseconds since 1970-01-01 UTC. What is stored and shown.
struct WallTime {
  std::int64_t nanoseconds = 0;
  constexpr auto operator<=>(const WallTime&) const = default;
  friend constexpr WallTime operator+(WallTime a, Duration d) { return {a.nanoseconds + d.count()}; }
  friend constexpr WallTime operator-(WallTime a, Duration d) { return {a.nanoseconds - d.count()}; }
  friend constexpr Duration operator-(WallTime a, WallTime b) {
    return Duration{a.nanoseconds - b.nanoseconds};
  }
  constexpr std::int64_t seconds() const { return nanoseconds / 1'000'000'000; }
};

// So many in each period: "600/min".
struct Rate {
  std::uint64_t count = 0;
  Duration per{std::chrono::seconds{1}};
  constexpr bool operator==(const Rate&) const = default;
};

inline namespace literals {
constexpr Bytes operator""_B(unsigned long long n) {
  return {n};
}
constexpr Bytes operator""_KiB(unsigned long long n) {
  return {n << 10};
}
constexpr Bytes operator""_MiB(unsigned long long n) {
  return {n << 20};
}
constexpr Bytes operator""_GiB(unsigned long long n) {
  return {n << 30};
}
using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace): 30s, 5min, 1h
}  // namespace literals

// "64MiB", "10GB", "512": binary (KiB MiB GiB TiB) or decimal (kB MB GB TB) suffixes; no suffix is bytes.
Result<Bytes> parse_bytes(std::string_view text);
// "250ms", "30s", "5m" or "5min", "4h", "5d", and sums such as "1h30m".
Result<Duration> parse_duration(std::string_view text);
// "600/min", "10/s", "5000/h", "2000000/d".
Result<Rate> parse_rate(std::string_view text);

// The shortest text that the parser above reads back to the same value.
std::string to_string(Bytes size);
std::string to_string(Duration duration);
std::string to_string(Rate rate);

}  // namespace ringpost
