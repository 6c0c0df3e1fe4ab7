// The bounds of patterns, each with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ringpost::patterns {

// An expression as written. The largest that spam rules make out of their replacement tags has 224 kB.
inline constexpr std::size_t kExpressionSizeMax = 512 * 1024;
// How deep groups may nest: the parser and every walk over its tree recurse.
inline constexpr unsigned kNestingMax = 200;
// The largest repeat that PCRE2 compiles.
inline constexpr std::uint32_t kRepeatMax = 65'535;
// Nodes of one tree: an expression of the size above that has nothing but single letters.
inline constexpr std::size_t kNodesMax = 1'000'000;

// What Hyperscan gets of one expression: its parser takes 16,000 bytes, and its compile time grows faster than the number of
// positions. An expression past either bound gets a coarser prefilter, and PCRE2 confirms. This is the cap on compile time
// for each pattern: it depends on the expression alone, so every machine compiles the same set.
inline constexpr std::size_t kHyperscanTextMax = 15'000;
inline constexpr std::size_t kHyperscanPositionsMax = 2'000;
// A prefilter shorter than this hits nearly everywhere and saves nothing.
inline constexpr std::size_t kPrefilterWidthMin = 4;
// The literals of which one must occur, at most so many for one expression, and each at least so long.
inline constexpr std::size_t kFactorLiteralsMax = 64;
inline constexpr std::size_t kFactorWidthMin = 4;
// With fewer expressions than this a set has no Hyperscan database: PCRE2 is as fast, and there is nothing to compile.
inline constexpr std::size_t kDatabasePatternsMin = 3;

// How far PCRE2 may backtrack in one search before it gives up (it counts calls of its matching function, and about the same
// in JIT code). 200,000 are a few milliseconds; a search over 2 kB that needs more was built to explode.
inline constexpr std::uint32_t kMatchLimit = 200'000;
inline constexpr std::uint32_t kHeapLimitKib = 4'096;
// The stack of JIT code, one for each core; an expression that needs more fails as one that reached the match limit.
inline constexpr std::size_t kJitStackSize = 512 * 1024;
// JIT code is made after so many searches without it: most rules of a set are searched rarely, and JIT code takes longer to
// make than a few dozen searches take.
inline constexpr std::uint32_t kSearchesBeforeJit = 4;

// A cache of one set. 17 MB is what the body rules of SpamAssassin take.
inline constexpr std::size_t kCacheSizeMax = 256 * 1024 * 1024;

}  // namespace ringpost::patterns
