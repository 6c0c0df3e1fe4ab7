// Many expressions over one text at once: Hyperscan finds the candidates in one pass, PCRE2 confirms what is not certain.
//
// Layer:  pure; bytes of a cache go out and come in, files are the caller's.
// Owner:  a shared_ptr; immutable but for PCRE2 codes that are made when first needed and published without a lock. One set
//         serves all cores, each with its own Scratch.
// Ways:   exact      Hyperscan's answer is the answer
//         prefilter  a looser expression of ours in Hyperscan, confirmed by PCRE2
//         literal    one of its literals in Hyperscan, confirmed by PCRE2
//         alone      PCRE2 only; the caller searches it where it needs the answer
//         broken     no expression; it never matches, and `problem` says why
// Time:   `interim` takes milliseconds and is right but slower to scan with; `compiled` may take seconds and belongs on the
//         offload pool; `restored` takes milliseconds.
// Limits: patterns/limits.hpp.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/patterns/expression.hpp"
#include "ringpost/patterns/pattern.hpp"

struct hs_database;

namespace ringpost::patterns {

enum class Way : std::uint8_t { exact, prefilter, literal, alone, broken };
std::string_view to_string(Way way);

// What a buffer given to `candidates` is: one subject, or many that each end with a newline and hold no other. Expressions see
// one subject at a time either way.
enum class Subjects : std::uint8_t { whole, lines };

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
  Way way(std::size_t index) const { return members_[index].way; }
  std::string_view problem(std::size_t index) const { return members_[index].problem; }
  bool in_hyperscan() const { return database_ != nullptr; }
  std::size_t database_size() const;

  // Calls `candidate` at most once for each expression of the database that may match in the buffer. `certain`: it does, and
  // needs no search. `end`: offset behind the first match that was seen; with lines, it lies in, or behind the newline of, the
  // subject to try first.
  struct Candidate {
    std::uint32_t index = 0;
    bool certain = false;
    std::size_t end = 0;
  };
  using Visit = std::function<void(const Candidate&)>;
  void candidates(std::string_view buffer, Scratch& scratch, const Visit& visit) const;
  // Expressions that `candidates` says nothing about.
  std::span<const std::uint32_t> alone() const { return alone_; }

  // PCRE2 over one subject.
  Match search(std::size_t index, std::string_view subject, Scratch& scratch) const;
  Match search(std::size_t index, std::string_view subject, std::size_t from, Scratch& scratch,
               std::span<Span> spans) const;
  std::uint32_t count(std::size_t index, std::string_view subject, std::uint32_t max, Scratch& scratch) const;

 private:
  struct Member {
    Way way = Way::alone;
    bool certain = false;
    std::string problem;
    mutable std::atomic<const Code*> code{nullptr};
  };
  Set(std::vector<Pattern> patterns, Subjects subjects);
  const Code* code(std::size_t index) const;
  void check_all();
  void compile_database();
  void list_alone();

  std::vector<Pattern> patterns_;
  Subjects subjects_;
  std::vector<Member> members_;
  std::vector<std::uint32_t> alone_;
  hs_database* database_ = nullptr;
};

}  // namespace ringpost::patterns
