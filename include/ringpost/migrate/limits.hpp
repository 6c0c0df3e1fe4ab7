// Limits of moving mail in and out, each with its reason.
//
// Layer: base only.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ringpost/base/units.hpp"

namespace ringpost::migrate {

// One message in memory, as large as the store takes it.
inline constexpr std::size_t kMessageBytesMax = std::size_t{256} * 1024 * 1024;
// Messages of one APPEND or one FETCH, which are stored or lost together: so many, or so many bytes, or one larger one. The store
// keeps up to so many bytes in the frame of the change.
inline constexpr std::size_t kBatchMessages = 100;
inline constexpr std::size_t kBatchBytes = 256 * 1024;
// A response of an IMAP server without its literals; lists of flags and names are far shorter.
inline constexpr std::size_t kImapLineMax = 8 * 1024 * 1024;
inline constexpr std::size_t kImapDepthMax = 32;
// What a server may list before it counts as one that never ends: ten times what the store keeps for a user, and as many messages.
inline constexpr std::size_t kImapMailboxesMax = 100'000;
inline constexpr std::size_t kImapMessagesMax = 4'000'000;
inline constexpr Duration kImapTimeout = std::chrono::minutes(5);
inline constexpr Duration kConnectTimeout = std::chrono::seconds(30);
// Files of Dovecot: 64 bytes a message, four million messages.
inline constexpr Bytes kUidListMax = 512_MiB;
inline constexpr Bytes kSmallFileMax = 1_MiB;
inline constexpr std::size_t kFolderDepthMax = 32;
inline constexpr std::size_t kMaildirKeywordsMax = 26;  // letters a to z

}  // namespace ringpost::migrate
