// The bounds of delivery on this host, each with its reason.
//
// Layer: services.
#pragma once

#include <chrono>
#include <cstddef>

#include "ringpost/base/units.hpp"

namespace ringpost::deliver {

// An alias of an alias of an alias: people nest three or four. Loops are found by name, this bounds the rest.
inline constexpr std::size_t kAliasDepthMax = 20;
// Targets that one recipient may become. More belong to a list manager, which sends a transaction for each batch.
inline constexpr std::size_t kLocalTargetsMax = 10'000;
// Addresses elsewhere that one recipient may become and that are kept one by one as sent on to, while it waits; of more, only
// each message that took them is: several such recipients have room among spool::kFinishedTargetsMax.
inline constexpr std::size_t kForwardsNamedMax = 100;
// Users of the store of one recipient that are kept as finished while it waits. Of more, their stores know it: else they would take the
// room of what nobody else knows.
inline constexpr std::size_t kStoredNamedMax = 100;
// :include: files read for one recipient, and their size.
inline constexpr std::size_t kIncludeFilesMax = 100;
inline constexpr std::size_t kIncludeSizeMax = 4 * 1024 * 1024;
// A .forward has a few lines; it crosses a socket in one packet.
inline constexpr std::size_t kForwardSizeMax = 32 * 1024;

// Bytes converted to LF line ends before they are written: one system call for each.
inline constexpr std::size_t kWriteChunk = 64 * 1024;
// Of a message whose structure is prepared for its mailbox, bytes in one turn of the core: some 100 microseconds.
inline constexpr std::size_t kPreparedAtOnce = 256 * 1024;
// A whole path, and one name in it (NAME_MAX is 255, and a Maildir file name adds none to it).
inline constexpr std::size_t kMailboxPathMax = 4096;
inline constexpr std::size_t kMailboxNameMax = 255;

// How long a mailbox may be locked by others before the mail is deferred, and how often we look.
inline constexpr Duration kLockWait = std::chrono::seconds(20);
inline constexpr Duration kLockPoll = std::chrono::milliseconds(250);
// A dotlock older than this was left by a program that died.
inline constexpr Duration kDotlockStale = std::chrono::minutes(10);

// Commands that one core runs without a helper: each holds a thread of the offload pool, of which there may be two.
inline constexpr std::size_t kOwnCommandsMax = 1;
// Of what a command prints, the first line is for the reply; the rest is read and dropped.
inline constexpr std::size_t kCommandOutputMax = 400;
// One text of a command's environment.
inline constexpr std::size_t kEnvironmentTextMax = 1024;

// One request to the helper and its answer: a packet each. Commands and paths of a few KiB fit many times.
inline constexpr std::size_t kHelperPacketMax = 64 * 1024;
// Children of the helper at once. Each holds one message in memory that the server has made; more wait in the server.
inline constexpr std::size_t kHelperChildrenMax = 64;
// What the helper gets above the time of its work before the server gives up on it.
inline constexpr Duration kHelperGrace = std::chrono::seconds(30);

}  // namespace ringpost::deliver
