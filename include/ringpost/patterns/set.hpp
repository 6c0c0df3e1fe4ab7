// Many expressions over one text at once: Hyperscan finds the candidates in one pass, PCRE2 confirms what is not certain.
//
// Layer:  pure; bytes of a cache go out and come in, files are the caller's.
// Owner:  a shared_ptr; immutable but for PCRE2 codes that are made when first needed and published without a lock. One set
//         serves all cores, each with its own Scratch.
// Ways:   exact      Hyperscan's answer is the answer
//         prefilter  a looser expression in an automaton of ours, confirmed by PCRE2
//         literal    words that it cannot do without, by Hyperscan or letter by letter, confirmed by PCRE2
//         alone      PCRE2 only, in each subject where somebody needs the answer
//         broken     no expression; it never matches, and `problem` says why
// Time:   `interim` takes milliseconds and is right but slower to scan with; `compiled` may take seconds and belongs on the
//         offload pool; `restored` takes milliseconds.
// Limits: patterns/limits.hpp.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "ringpost/patterns/expression.hpp"
#include "ringpost/patterns/pattern.hpp"

namespace ringpost::patterns {

enum class Way : std::uint8_t { exact, prefilter, literal, alone, broken };
std::string_view to_string(Way way);

// What expressions look at: one text, whatever it holds, short or `long_whole`, or lines, which end in a newline and hold no
// other. Lines go through Hyperscan many at a time; expressions see one at a time either way.
enum class Subjects : std::uint8_t { whole, long_whole, lines };

class Set {
 public:
  static std::shared_ptr<const Set> interim(std::vector<Pattern> patterns, Subjects subjects);
  static std::shared_ptr<const Set> compiled(std::vector<Pattern> patterns, Subjects subjects);
  // From what `serialized` gave for the same patterns, library and CPU; an error for anything else.
  static Result<std::shared_ptr<const Set>> restored(std::vector<Pattern> patterns, Subjects subjects,
                                                     std::string_view bytes);
  std::string serialized() const;
  ~Set();
  Set(const Set&) = delete;
  Set& operator=(const Set&) = delete;

  // A name for what `serialized` gives: patterns, version of the library and of our format, features of the CPU.
  static std::string cache_key(std::span<const Pattern> patterns, Subjects subjects);

  std::size_t size() const { return patterns_.size(); }
  const Pattern& pattern(std::size_t index) const { return patterns_[index]; }
  // Its way in text of ASCII alone, which most is; other text has a database of its own.
  Way way(std::size_t index) const;
  std::string_view problem(std::size_t index) const { return members_[index].problem; }
  bool in_hyperscan() const { return databases_[0] != nullptr; }
  std::size_t database_size() const;

  // Calls `visit` for each expression that may match in the subjects; what it does not name does not match. `certain`: it does,
  // and needs no search; said once. Else once for each `subject` in which it may, in their order, or once for all of them.
  static constexpr std::uint32_t kEverySubject = UINT32_MAX;
  struct Candidate {
    std::uint32_t index = 0;
    bool certain = false;
    std::uint32_t subject = 0;
  };
  // Refers to a function that takes a candidate; for the time of a call.
  class Visit {
   public:
    template <class Function>
      requires(!std::is_same_v<std::remove_cvref_t<Function>, Visit>)
    Visit(const Function& function)  // NOLINT(google-explicit-constructor): callers pass a lambda
        : function_(&function), call_([](const void* passed, const Candidate& candidate) {
            (*static_cast<const Function*>(passed))(candidate);
          }) {}
    void operator()(const Candidate& candidate) const { call_(function_, candidate); }

   private:
    const void* function_;
    void (*call_)(const void* passed, const Candidate& candidate);
  };
  // Only with `in_hyperscan`. A set of Subjects::whole takes one subject at a time.
  void candidates(std::string_view subject, Scratch& scratch, const Visit& visit) const;
  void candidates(std::span<const std::string> lines, Scratch& scratch, const Visit& visit) const;

  // PCRE2 over one subject.
  Match search(std::size_t index, std::string_view subject, Scratch& scratch) const;
  Match search(std::size_t index, std::string_view subject, std::size_t from, Scratch& scratch,
               std::span<Span> spans) const;
  std::uint32_t count(std::size_t index, std::string_view subject, std::uint32_t max, Scratch& scratch) const;

 private:
  struct Member {
    bool broken = false;
    std::string problem;
    mutable std::atomic<const Code*> code{nullptr};
  };
  class Database;
  Set(std::vector<Pattern> patterns, Subjects subjects);
  const Code* code(std::size_t index) const;
  bool may_match(std::size_t index, std::string_view subject, Scratch& scratch) const;
  void check_all();
  void compile_databases();

  std::vector<Pattern> patterns_;
  Subjects subjects_;
  std::vector<Member> members_;
  std::array<std::unique_ptr<const Database>, 2> databases_;  // for ASCII, for any text
};

}  // namespace ringpost::patterns
