// The names in a spool's directory.
//
// Layer: durable, private.
#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace ringpost::spool {

inline std::string shard_directory(std::string_view spool, unsigned shard) {
  return fmt::format("{}/shard-{}", spool, shard);
}

inline std::optional<unsigned> shard_of(std::string_view name) {
  constexpr std::string_view kPrefix = "shard-";
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  unsigned shard = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), shard);
  if (error != std::errc{} || end != name.data() + name.size()) return std::nullopt;
  return shard;
}

inline std::string spool_file(std::string_view spool) {
  return fmt::format("{}/SPOOL", spool);
}

}  // namespace ringpost::spool
