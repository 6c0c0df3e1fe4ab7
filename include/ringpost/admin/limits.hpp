// The bounds of the control endpoint, each with its reason.
//
// Layer: program.
#pragma once

#include <chrono>
#include <cstddef>

#include "ringpost/base/units.hpp"

namespace ringpost::admin {

// A request is a verb and a selector; the longest is a list of some addresses.
inline constexpr std::size_t kRequestBytesMax = 64 * 1024;
// One line of an answer is one message of the queue with its recipients, which are cut at kRecipientsShownMax.
inline constexpr std::size_t kAnswerLineMax = 16 * 1024 * 1024;
inline constexpr std::size_t kRecipientsShownMax = 1000;
// What one answer may hold altogether: a client that follows a page with the next never needs more.
inline constexpr std::size_t kAnswerBytesMax = 256 * 1024 * 1024;
inline constexpr std::size_t kJsonDepthMax = 16;
// Requests that are answered at the same time; more wait in the socket's backlog.
inline constexpr unsigned kWorkers = 4;
inline constexpr int kBacklog = 64;
// A client that says nothing, or does not read, holds a worker only so long.
inline constexpr Duration kRequestTimeout = std::chrono::seconds(10);
inline constexpr Duration kAnswerTimeout = std::chrono::seconds(60);
// What a core may take for one step of a verb. A selector that looks at a million messages takes seconds.
inline constexpr Duration kCoreTimeout = std::chrono::minutes(5);
// Messages on one page of a listing.
inline constexpr std::size_t kPageDefault = 100;
inline constexpr std::size_t kPageMax = 1000;
// Destinations of one summary; the largest come first.
inline constexpr std::size_t kGroupsMax = 1000;
// How often suspensions are looked at that are to end by themselves.
inline constexpr Duration kDirectiveCheckPeriod = std::chrono::seconds(1);

// A trace holds one of the workers: it ends by itself, and the client's patience is longer.
inline constexpr Duration kTraceTimeMax = std::chrono::minutes(15);
inline constexpr std::size_t kTraceLinesMax = 1'000'000;
inline constexpr std::chrono::milliseconds kTracePeriod{100};

}  // namespace ringpost::admin
