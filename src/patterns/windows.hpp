// Finds short runs of letters, hundreds at once, where letters have several forms and something between them: V-i-@-g-r-a. Each is
// a bit that moves on with every byte (Shift-And), so the time is the same for any text, and nothing is remembered.
//
// Layer:  pure, private to patterns. Immutable once finished; shared by all cores.
// Limits: kWindowWidthMax sets in a run, kWindowsMax runs.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tree.hpp"

namespace ringpost::patterns {

class Windows {
 public:
  // What stands behind a run, for whoever asked for it.
  struct Entry {
    std::uint32_t member = 0;
    std::uint8_t gives = 0;
  };

  bool has_room(std::size_t count) const { return runs_.size() + count <= kRunsMax; }
  void add(Letters letters, Entry entry);
  // After the last.
  void finish();
  std::size_t size() const { return runs_.size(); }

  // Calls `visit(entry, end)` wherever one ends, `end` being the offset behind it.
  template <class Visit>
  void scan(std::string_view text, Visit&& visit) const {
    for (const Block& block : blocks_) block.scan(text, visit);
  }

  void write(std::string& out) const;
  static std::optional<Windows> read(std::string_view& bytes, std::size_t members);

 private:
  static const std::size_t kRunsMax;
  static constexpr std::size_t kLanes = 8;  // of 64 bits, in which runs stand one behind the other
  using Lanes [[gnu::vector_size(kLanes * sizeof(std::uint64_t))]] = std::uint64_t;

  struct Block {
    Lanes first{}, last{};  // bits of the first and last letter of each run
    struct Steps {
      Lanes takes{}, stays{};
    };
    std::array<Steps, 256> steps{};            // of each byte, the letters that it is one of, or goes on
    std::array<Entry, kLanes * 64> entries{};  // by the bit of the last letter
    std::array<unsigned, kLanes> used{};

    bool add(const Letters& letters, Entry entry);
    // A newline is before the text and behind it, whatever it ends with.
    template <class Visit>
    void scan(std::string_view text, Visit&& visit) const {
      constexpr unsigned char kNewline = 10;
      Lanes state = first & steps[kNewline].takes;
      for (std::size_t at = 0; at <= text.size(); ++at) {
        const Steps& step = steps[at < text.size() ? static_cast<unsigned char>(text[at]) : kNewline];
        state = (((state << 1) | first) & step.takes) | (state & step.stays);
        const Lanes ended = state & last;
        if (__builtin_reduce_or(ended) != 0) tell(ended, std::min(at + 1, text.size()), visit);
      }
    }
    template <class Visit>
    void tell(const Lanes& ended, std::size_t end, Visit&& visit) const {
      for (std::size_t lane = 0; lane < kLanes; ++lane)
        for (std::uint64_t bits = ended[lane]; bits != 0; bits &= bits - 1)
          visit(entries[lane * 64 + static_cast<std::size_t>(std::countr_zero(bits))], end);
    }
  };

  struct Run {
    Letters letters;
    Entry entry;
  };
  std::vector<Run> runs_;
  std::vector<Block> blocks_;
};

}  // namespace ringpost::patterns
