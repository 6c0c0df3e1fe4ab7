// What is sought of the expressions of a set in one kind of text: a Hyperscan database, and an automaton for what is neither
// cheap there nor has words of its own.
//
// Layer:  pure, private to patterns. Immutable once made; shared by all cores.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ringpost/patterns/set.hpp"

#include "code.hpp"
#include "windows.hpp"

namespace ringpost::patterns {

class Set::Database {
 public:
  // `usable` says of each expression whether it is one. Nothing: there is no Hyperscan here, or it did not take them.
  static std::unique_ptr<const Database> compile(std::span<const Pattern> patterns,
                                                 const std::vector<bool>& usable, Subjects subjects,
                                                 bool ascii);
  static std::unique_ptr<const Database> read(std::string_view bytes, std::size_t members);
  void write(std::string& out) const;
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  Way way(std::size_t member) const { return rows_[member].way; }
  std::size_t size() const;

  // What may match in `text`: one subject, or lines that end at `ends` and have `numbers`. `all`: there are no other subjects.
  struct Text {
    std::string_view bytes;
    std::span<const std::size_t> ends;
    std::span<const std::uint32_t> numbers;
    bool all = true;
  };
  void scan(const Text& text, Scratch::State& state, const Visit& visit) const;
  // Whether an expression that PCRE2 is slow with may match in a subject: an automaton of its own says it sooner.
  bool may_match(std::uint32_t member, std::string_view subject, Scratch::State& state) const;

 private:
  struct Row {
    Way way = Way::alone;
    bool certain = false;
    std::uint8_t needs = 0;  // a bit for each thing that has to be seen in a subject
    std::uint8_t times = 1;  // and how often, at so many places
  };
  // What Hyperscan reports, by its number there: an expression, or one of the words of a factor.
  using Entry = Windows::Entry;  // `gives` is a bit of `needs`
  struct Pass;
  // Expressions that are walked together.
  struct Walk {
    Program program;
    std::vector<std::uint32_t> members;
  };
  Database() = default;
  bool add_loose(const Tree& tree, std::uint32_t member);
  void add_gate(const Tree& tree, std::uint32_t member);
  void finish();
  void find_alone();
  Scratch::State::Known& known_to(Scratch::State& state) const;

  std::uint64_t number_ = 0;  // of all that this process ever made
  std::vector<Row> rows_;     // of each expression of the set
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> alone_;
  hs_database_t* handle_ = nullptr;  // nullptr: Hyperscan has none of them
  Windows windows_;
  std::vector<Walk> walks_;
  // Of expressions that are large, each alone. A walk of it comes before a search.
  std::vector<Program> gates_;
  std::vector<std::uint32_t> gate_of_;  // each member's, or kNoGate
  static constexpr std::uint32_t kNoGate = UINT32_MAX;
};

}  // namespace ringpost::patterns
