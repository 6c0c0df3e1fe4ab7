// Loose expressions as one machine of single bytes, for Automaton to walk.
//
// Layer:  pure, private to patterns. Immutable once made; plain numbers, so that it goes into a cache as it is.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tree.hpp"

namespace ringpost::patterns {

class Program {
 public:
  enum class Kind : std::uint32_t { byte, split, match };
  // byte: one of `set`, then `next`. split: `next` or `set` (another step). match: of member `set`.
  struct Step {
    Kind kind = Kind::match;
    std::uint32_t set = 0;
    std::uint32_t next = 0;
  };

  // Takes an expression whose match may begin anywhere, or only at the start of a subject or line. False: it is too large, matches the
  // empty text, or would make too many states of the others.
  enum class Company : std::uint8_t { others, alone };
  bool add(const Tree& tree, std::uint32_t member, Company company = Company::others);
  // After the last: which bytes are the same to all of it.
  void finish();

  std::size_t members() const { return members_; }
  const Step& step(std::uint32_t at) const { return steps_[at]; }
  std::vector<std::uint32_t> matched() const;  // the members
  std::size_t size() const { return steps_.size(); }
  bool takes(std::uint32_t set, unsigned group) const { return set_groups_[set][group]; }
  std::uint8_t group(unsigned char byte) const { return groups_[byte]; }
  const std::uint8_t* groups() const { return groups_.data(); }  // of each byte
  std::uint32_t group_count() const { return group_count_; }
  const std::vector<std::uint32_t>& starts() const { return starts_; }
  const std::vector<std::uint32_t>& anchored() const { return anchored_; }

  void write(std::string& out) const;
  static std::optional<Program> read(std::string_view& bytes, std::size_t members);

 private:
  friend class ProgramWriter;
  std::uint32_t set_number(const ByteSet& set);

  std::size_t members_ = 0;
  std::vector<Step> steps_;
  std::vector<ByteSet> sets_;
  std::vector<std::uint32_t> starts_;
  std::vector<std::uint32_t> anchored_;
  std::array<std::uint8_t, 256> groups_{};
  std::uint32_t group_count_ = 0;
  std::vector<ByteSet> set_groups_;  // of each set, the groups that are in it
};

}  // namespace ringpost::patterns
