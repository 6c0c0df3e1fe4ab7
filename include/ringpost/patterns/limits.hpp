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

// What Hyperscan gets of one expression. Its compile time grows faster than the number of positions, and past these bounds no
// expression is cheap to run. This is the cap on compile time for each pattern: it depends on the expression alone, so every
// machine compiles the same set.
inline constexpr std::size_t kHyperscanTextMax = 6'000;
inline constexpr std::size_t kHyperscanPositionsMax = 400;
// A prefilter shorter than this hits nearly everywhere and saves nothing.
inline constexpr std::size_t kPrefilterWidthMin = 4;
// The literals of which one must occur: so many for one expression, so long, and out of sets with so many bytes. What is
// shorter or more frequent (in bits, see Factor) hits nearly everywhere.
inline constexpr std::size_t kFactorLiteralsMax = 64;
inline constexpr std::size_t kFactorWidthMin = 4;
inline constexpr std::size_t kFactorWidthMax = 48;
inline constexpr std::size_t kFactorSetMax = 8;
inline constexpr std::uint32_t kFactorRepeatMax = 4;
inline constexpr double kFactorBitsMin = 16;
// So many of them have to occur in one subject before it is searched.
inline constexpr std::size_t kFactorsMax = 3;
// An expression whose database alone is larger than this is a machine that runs over every byte: its literals are cheaper, and
// without any, PCRE2 is. (That of a few literals takes 5 KiB.) Lines are long and there is much prose in them, so literals
// are rare there; what fields hold is short and mostly alike.
inline constexpr std::size_t kCheapInLinesMax = 6 * 1024;
inline constexpr std::size_t kCheapInFieldsMax = 20 * 1024;
// A looser one has no better way than being searched in each mail, unless nobody asks.
inline constexpr std::size_t kCheapPrefilterMax = 40 * 1024;
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
