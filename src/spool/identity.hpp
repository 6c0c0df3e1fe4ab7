// The file SPOOL: who this spool is, and how often it has been started.
//
// Layer: durable, private. Two slots of 4 KiB; the valid one with the higher epoch counts, the other is written next.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "ringpost/io/backend.hpp"

namespace ringpost::spool {

inline constexpr std::uint64_t kIdentityMagic = 0x314C4F4F'50535052;  // "RPSPOOL1"
inline constexpr std::uint32_t kIdentityVersion = 1;
inline constexpr std::size_t kIdentitySlot = 4096;

struct Identity {
  std::uint64_t magic = kIdentityMagic;
  std::uint32_t version = kIdentityVersion;
  std::uint32_t epoch = 0;
  std::uint64_t spool_id = 0;
  std::uint32_t reserved = 0;
  std::uint32_t crc = 0;  // of all bytes before it
};
static_assert(sizeof(Identity) == 32);

void seal(Identity& identity);
// Nothing when neither slot is valid. Errors: permanent (a newer version wrote it: nothing in the spool may be touched).
Result<std::optional<Identity>> read_identity(io::Files& files, io::Handle file, std::string_view path);

}  // namespace ringpost::spool
