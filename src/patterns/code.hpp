// A compiled PCRE2 expression, and the working memory of a core.
#pragma once

#define PCRE2_CODE_UNIT_WIDTH 8
#include <atomic>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include <hs.h>
#include <pcre2.h>

#include "ringpost/patterns/expression.hpp"

#include "automaton.hpp"
#include "tree.hpp"

namespace ringpost::patterns {

struct Scratch::State {
  pcre2_match_context* context = nullptr;
  pcre2_match_data* matches = nullptr;
  pcre2_jit_stack* jit_stack = nullptr;
  hs_scratch_t* hyperscan = nullptr;
  std::uint64_t gave_up = 0;
  // Of one pass of a database: the lines that it joined, where each ends and its number; what was seen of whom in which
  // subject, and where a member's last one is.
  struct Seen {
    std::uint64_t whom = 0;  // the member, and behind it the subject
    std::uint32_t end = 0;   // of the last, and at how many places it was
    std::uint8_t places = 0;
    std::uint8_t bits = 0;
    static std::uint64_t of(std::uint32_t member, std::uint32_t subject) {
      return std::uint64_t{member} << 32U | subject;
    }
    std::uint32_t member() const { return static_cast<std::uint32_t>(whom >> 32U); }
    std::uint32_t subject() const { return static_cast<std::uint32_t>(whom); }
  };
  std::string joined;
  std::vector<std::size_t> ends;
  std::vector<std::uint32_t> numbers;
  std::vector<Seen> seen;
  std::vector<std::uint32_t> last_seen;
  // What this core remembers of the databases that it has used, by their number. For one that is here, `hyperscan` is large
  // enough: to ask Hyperscan takes longer than most scans.
  struct Known {
    std::vector<std::unique_ptr<Automaton>> automata;
    std::vector<std::unique_ptr<Automaton>> gates;  // made when first needed
  };
  std::unordered_map<std::uint64_t, Known> known;
  void tidy();

  State();
  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  // Grows for this database; false: no memory.
  bool fit(const hs_database_t* database);
};

class Code {
 public:
  static Result<std::unique_ptr<const Code>> compile(const Pattern& pattern);
  ~Code();
  Code(const Code&) = delete;
  Code& operator=(const Code&) = delete;

  Match search(std::string_view subject, std::size_t from, Scratch& scratch, std::span<Span> spans) const;
  std::uint32_t count(std::string_view subject, std::uint32_t max, Scratch& scratch) const;
  unsigned group(std::string_view name) const;

 private:
  explicit Code(pcre2_code* code) : code_(code) {}
  void consider_jit() const;

  pcre2_code* code_;
  std::unique_ptr<const ByteSet>
      one_byte_;  // in ASCII a match is one of these; counting them takes no search
  // PCRE2 takes care of readers that see JIT code half way: the pointer to it is what it stores last. We do not rely on that:
  // whoever wins the count makes a copy with JIT code and publishes that.
  mutable std::atomic<std::uint32_t> searches_{0};
  mutable std::atomic<pcre2_code*> fast_{nullptr};
};

}  // namespace ringpost::patterns
