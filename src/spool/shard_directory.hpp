// The names in a spool's directory.
//
// Layer: durable, private.
#pragma once

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "ringpost/io/backend.hpp"

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

// Rising.
inline Result<std::vector<unsigned>> shards_in(io::Files& files, const std::string& directory) {
  std::vector<unsigned> shards;
  for (const std::string& name : RP_TRY(files.list(directory)))
    if (const auto shard = shard_of(name)) shards.push_back(*shard);
  std::ranges::sort(shards);
  return shards;
}

inline std::string spool_file(std::string_view spool) {
  return fmt::format("{}/SPOOL", spool);
}

}  // namespace ringpost::spool
