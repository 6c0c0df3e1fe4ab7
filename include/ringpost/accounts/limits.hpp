// The limits of accounts, each with its reason.
//
// Layer: base only.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ringpost/base/units.hpp"

namespace ringpost::accounts {

inline constexpr std::size_t kNameSizeMax = 254;  // an address, RFC 5321 section 4.5.3.1.3
// One for each device that a person has. All of an account are tried with each login, in one pass (sasl::kScramKeysMax).
inline constexpr std::size_t kAppPasswordsMax = 24;
inline constexpr std::size_t kAppLabelSizeMax = 64;
// What a password costs whoever stole the database, and a client at each login: some 10 ms of a desktop's core.
inline constexpr std::uint32_t kScramIterations = 20'000;
// A hash that asks for more memory than this would be a way to stop the server.
inline constexpr std::uint32_t kArgon2MemoryKiBMax = 1U << 20;
// The time when an application password was last used is written not more often than this.
inline constexpr Duration kLastUsedEvery = std::chrono::hours(1);

// A password that was right needs no hashing for so long, or until the accounts are read again: mail programs log in all day. By a keyed
// digest, of each core, some 150 bytes each; the one that was not used for the longest time goes first.
inline constexpr Duration kPasswordKept = 30min;
inline constexpr std::size_t kPasswordsKeptMax = 10'000;

// Failed logins. People mistype a password a few times, and a mail program that has an old one asks again and again; behind
// one address there may be many of them.
inline constexpr std::uint32_t kFreeFailuresOfAccount = 5;
inline constexpr std::uint32_t kFreeFailuresOfAddress = 10;
// Then each one doubles the wait. Of an account it stays short: whoever does not know the password must not be able to lock out
// whoever does.
inline constexpr Duration kFirstWait = 2s;
// Guessing passwords costs at least this much a try, whatever the answer.
inline constexpr Duration kRefusalStep = 1s;
inline constexpr Duration kLongestWaitOfAccount = 1min;
inline constexpr Duration kLongestWaitOfAddress = 15min;
// Attempts under way of who has not failed lately: a mail program opens a dozen connections at once, a house full of them more.
// Further ones wait in line, looking again and again.
inline constexpr std::uint32_t kLoginsAtOnce = 64;
inline constexpr Duration kInLinePause = 20ms;
inline constexpr Duration kInLineMax = 10s;
// Failures are forgotten when none came for so long.
inline constexpr Duration kForgetFailuresAfter = std::chrono::hours(1);
// Entries of each table of one core, some 100 bytes each: who was not heard of for the longest time is forgotten first.
inline constexpr std::size_t kFailureEntriesMax = 50'000;
// Addresses from which an account was logged in to, and whose logins never wait for what others did to the account.
inline constexpr std::size_t kKnownAddressesMax = 4;

// A token that expired a moment ago, or begins in a moment: clocks differ.
inline constexpr Duration kTokenLeeway = std::chrono::minutes(1);
// What issuers said of tokens, of each core's share: some 200 bytes each. The one that was not used for the longest time goes first.
inline constexpr std::size_t kTokensKeptMax = 10'000;
// Aliases of aliases that are followed to find the owner of a sender address.
inline constexpr unsigned kOwnerDepthMax = 8;
inline constexpr std::size_t kOwnerTargetsMax = 1000;

}  // namespace ringpost::accounts
