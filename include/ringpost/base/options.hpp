// What a module's options.hpp needs: the member types beyond the plain ones, and how an enum names its choices.
//
// Layer: base; light, because every module includes it. An option struct is plain, with its defaults in place:
//
//   // include/ringpost/shard/options.hpp
//   enum class Wait : unsigned char { sleep, adaptive, busy_poll };
//   constexpr auto option_choices(const Wait*) {
//     return std::to_array<Choice<Wait>>({{"sleep", Wait::sleep}, {"adaptive", Wait::adaptive}, ...});
//   }
//   struct CoreOptions {
//     std::variant<Word<"all">, std::vector<unsigned>> use;
//     Wait wait = Wait::adaptive;
//     Bytes receive_buffers = 16_MiB;
//   };
//   const OptionTable& option_table(const CoreOptions*);  // found by the struct's namespace; never called with a value
//
// and its table, which gives each member its key, range and one sentence, stands in src/shard/options.cpp: see
// base/option_table.hpp.
//
// Members may be bool, integers, double, std::string, Bytes, Duration, Rate, IpAddress, Endpoint, Network, FilePath,
// Percent, enums with option_choices, structs with option_table, and of these: std::vector<T> (a list, replaced as a
// whole), std::map<std::string, T, std::less<>> (named tables), std::optional<T> (absent, or "unset"), Layered<T>,
// std::variant<A, B...> (the first that the value fits; Word<"all"> is one fixed word).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "ringpost/base/address.hpp"
#include "ringpost/base/units.hpp"

namespace ringpost {

class OptionTable;

// A path of the file system. Relative ones are completed with the folder of the configuration file they stand in.
struct FilePath {
  std::string text;

  FilePath() = default;
  FilePath(std::string path)
      : text(std::move(path)) {}              // NOLINT(google-explicit-constructor): a default is a literal
  FilePath(const char* path) : text(path) {}  // NOLINT(google-explicit-constructor)
  bool empty() const { return text.empty(); }
  bool operator==(const FilePath&) const = default;
};

// "10%"; 0 to 100.
struct Percent {
  double value = 0;
  constexpr auto operator<=>(const Percent&) const = default;
};

template <std::size_t N>
struct FixedText {
  std::array<char, N> letters{};
  constexpr FixedText(const char (&text)[N]) { std::copy_n(text, N, letters.begin()); }  // NOLINT: a literal
  constexpr std::string_view view() const { return {letters.data(), N - 1}; }
};

// One fixed word as an alternative of a variant: std::variant<Word<"all">, std::vector<unsigned>>.
template <FixedText kText>
struct Word {
  bool operator==(const Word&) const = default;
};

// A value in one of several layers, of which the inner wins: nothing said, said to be unset (fall back), or a value.
template <class T>
struct Layered {
  std::optional<T> value;
  bool unset = false;  // "unset" was written; `value` is empty

  bool said() const { return unset || value.has_value(); }
  bool operator==(const Layered&) const = default;
};

template <class Enum>
struct Choice {
  std::string_view name;
  Enum value;
};

// The name that configuration and logs give an enumerator; "" for one that has none.
template <class Enum>
constexpr std::string_view choice_name(Enum value) {
  for (const auto& choice : option_choices(static_cast<const Enum*>(nullptr)))
    if (choice.value == value) return choice.name;
  return {};
}
template <class Enum>
constexpr std::optional<Enum> choice_named(std::string_view name) {
  for (const auto& choice : option_choices(static_cast<const Enum*>(nullptr)))
    if (choice.name == name) return choice.value;
  return std::nullopt;
}

// Repeating tables: [listener.mx] is the entry "mx".
template <class T>
using Named = std::map<std::string, T, std::less<>>;

}  // namespace ringpost
