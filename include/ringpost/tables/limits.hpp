// The bounds of tables, each with its reason.
#pragma once

#include <cstddef>

namespace ringpost::tables {

// Users with what Bayes learned for each of them; a few hundred bytes of memory each.
inline constexpr std::size_t kBayesOwnersMax = 100'000;
// A row of the base: large enough that a million tokens are some 250 rows, small enough to be one piece of memory.
inline constexpr std::size_t kBayesChunkTokens = 4096;
// Tokens of one lesson: SpamAssassin's reader gives at most 120,000, and no real mail a tenth of it.
inline constexpr std::size_t kBayesLessonTokensMax = 200'000;

}  // namespace ringpost::tables
