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
// Literals of one choice, which come from its parts and are not multiplied.
inline constexpr std::size_t kFactorChoiceMax = 400;
// What must be there so many times may be shorter and more frequent.
inline constexpr std::uint32_t kFactorTimesMin = 3;
inline constexpr std::size_t kFactorWidthMinCounted = 3;
inline constexpr double kFactorBitsMinCounted = 6;
inline constexpr std::size_t kFactorWidthCounted = 6;
// Runs of sets: how wide (they stand in lanes of 64 bits), how often a part is written out, and how many in one set of expressions: 16 KiB of table for each 100 or so of them, and 1 ns a byte.
inline constexpr std::size_t kWindowWidthMax = 64;
inline constexpr std::uint32_t kWindowRepeatMax = 12;
inline constexpr std::size_t kWindowsMax = 600;
inline constexpr std::size_t kWindowRunsMax = 24;  // of one expression
// In bits: the rarest of an expression must have so many; rarer ones than the last say enough; a further one must say this.
inline constexpr double kWindowBitsMin = 12;
inline constexpr double kWindowBitsEnough = 21;
inline constexpr double kWindowBitsMore = 8;
inline constexpr double kWindowBitsStep = 0.5;  // a wider one must say so much more
// An expression whose database alone is larger than this is a machine that runs over every byte; one of a few literals takes
// 5 KiB. It goes another way: our automaton walks any number of expressions at once.
inline constexpr std::size_t kCheapDatabaseMax = 6 * 1024;
// An expression without words whose matches are all so long, as "[^\n]{998}", is PCRE2's.
inline constexpr std::size_t kWideMin = 200;
// One that PCRE2 would have to search in every mail is better off as such a machine.
inline constexpr std::size_t kDatabaseMax = 64 * 1024;

// Steps of one loose expression in the program of an automaton, and of all: those of FILL_THIS_FORM, some of the largest that
// there are, have some 10,000. Few expressions to an automaton, since what one has seen multiplies with what others have.
inline constexpr std::size_t kProgramPartMax = 16'000;
inline constexpr std::size_t kProgramMembersMax = 6;
inline constexpr std::size_t kProgramMax = 200'000;
// An expression with at least so many steps is walked alone before PCRE2 searches it.
inline constexpr std::size_t kGateStepsMin = 300;
// What a core remembers of one automaton: states, and steps in all of them. Past it, it begins anew.
inline constexpr std::size_t kAutomatonStatesMax = 10'000;
inline constexpr std::size_t kAutomatonPoolMax = 1'000'000;
// Of all automata of a core; past it, all begin anew.
inline constexpr std::size_t kAutomataMemoryMax = 32 * 1024 * 1024;
// Databases that a core knows; a set of rules has some hundred, and a few sets live at once while rules are swapped.
inline constexpr std::size_t kKnownDatabasesMax = 2'000;
// States that one pass may make: some 5 us each, so that text built to make new ones costs a few milliseconds. Then each
// expression is searched by itself.
inline constexpr std::size_t kAutomatonFreshMax = 1'000;
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
