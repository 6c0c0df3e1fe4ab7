#include "ringpost/base/units.hpp"

#include <array>
#include <charconv>
#include <limits>

namespace ringpost {

namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array<Unit, 10> kSizes{{{"", 1},
                                       {"B", 1},
                                       {"KiB", 1ULL << 10},
                                       {"MiB", 1ULL << 20},
                                       {"GiB", 1ULL << 30},
                                       {"TiB", 1ULL << 40},
                                       {"kB", 1'000},
                                       {"MB", 1'000'000},
                                       {"GB", 1'000'000'000},
                                       {"TB", 1'000'000'000'000}}};
// Largest first: printing takes the first that fits.
constexpr std::array<Unit, 9> kDurations{{{"d", 86'400'000'000'000},
                                          {"h", 3'600'000'000'000},
                                          {"m", 60'000'000'000},
                                          {"s", 1'000'000'000},
                                          {"ms", 1'000'000},
                                          {"us", 1'000},
                                          {"ns", 1},
                                          {"min", 60'000'000'000},
                                          {"w", 604'800'000'000'000}}};

template <std::size_t N>
const Unit* find_unit(const std::array<Unit, N>& units, std::string_view name) {
  for (const Unit& unit : units)
    if (unit.name == name) return &unit;
  return nullptr;
}

// Takes the digits at the front of `text`; nothing there or too large is nullopt-like (false).
bool take_number(std::string_view& text, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

bool multiply(std::uint64_t a, std::uint64_t b, std::uint64_t limit, std::uint64_t& product) {
  return !__builtin_mul_overflow(a, b, &product) && product <= limit;
}

constexpr auto kDurationMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

}  // namespace

Result<Bytes> parse_bytes(std::string_view text) {
  std::string_view rest = text;
  std::uint64_t number = 0;
  std::uint64_t bytes = 0;
  const Unit* const unit = take_number(rest, number) ? find_unit(kSizes, rest) : nullptr;
  if (unit == nullptr || !multiply(number, unit->factor, std::numeric_limits<std::uint64_t>::max(), bytes))
    return fail(ErrorKind::permanent,
                "\"" + std::string(text) + "\" is not a size; write it as \"64MiB\" or \"10GB\"");
  return Bytes{bytes};
}

Result<Duration> parse_duration(std::string_view text) {
  const auto refuse = [&] {
    return fail(
        ErrorKind::permanent,
        "\"" + std::string(text) + "\" is not a duration; write it as \"30s\", \"250ms\" or \"1h30m\"");
  };
  std::string_view rest = text;
  std::uint64_t total = 0;
  if (rest.empty()) return refuse();
  if (rest == "0") return Duration{0};
  while (!rest.empty()) {
    std::uint64_t number = 0;
    if (!take_number(rest, number)) return refuse();
    const std::size_t letters = std::min(rest.find_first_of("0123456789"), rest.size());
    const Unit* unit = find_unit(kDurations, rest.substr(0, letters));
    std::uint64_t part = 0;
    if (unit == nullptr || !multiply(number, unit->factor, kDurationMax, part) || part > kDurationMax - total)
      return refuse();
    total += part;
    rest.remove_prefix(letters);
  }
  return Duration{static_cast<std::int64_t>(total)};
}

Result<Rate> parse_rate(std::string_view text) {
  std::string_view rest = text;
  Rate rate;
  if (take_number(rest, rate.count) && rest.size() > 1 && rest.front() == '/') {
    if (const Unit* unit = find_unit(kDurations, rest.substr(1)); unit != nullptr) {
      rate.per = Duration{static_cast<std::int64_t>(unit->factor)};
      return rate;
    }
  }
  return fail(ErrorKind::permanent,
              "\"" + std::string(text) + "\" is not a rate; write it as \"600/min\" or \"10/s\"");
}

std::string to_string(Bytes size) {
  for (std::size_t i = 5; i >= 2; --i)
    if (size.count != 0 && size.count % kSizes[i].factor == 0)
      return std::to_string(size.count / kSizes[i].factor) + std::string(kSizes[i].name);
  return std::to_string(size.count);
}

std::string to_string(Duration duration) {
  if (duration.count() == 0) return "0s";
  std::string text;
  auto rest = static_cast<std::uint64_t>(duration.count());
  if (duration.count() < 0) {
    text = "-";
    rest = 0 - rest;
  }
  for (std::size_t i = 0; i < 7 && rest != 0; ++i) {
    if (rest < kDurations[i].factor) continue;
    text += std::to_string(rest / kDurations[i].factor) + std::string(kDurations[i].name);
    rest %= kDurations[i].factor;
  }
  return text;
}

std::string to_string(Rate rate) {
  for (const Unit& unit : kDurations) {
    if (static_cast<std::int64_t>(unit.factor) == rate.per.count())
      return std::to_string(rate.count) + "/" + std::string(unit.name == "m" ? "min" : unit.name);
  }
  return std::to_string(rate.count) + "/" + to_string(rate.per);
}

}  // namespace ringpost
