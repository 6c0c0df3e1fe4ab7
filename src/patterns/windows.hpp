// Finds short runs of letters, hundreds at once, where letters have several forms and something between them: V-i-@-g-r-a. Each is
// a bit that moves on with every byte (Shift-And), so the time is the same for any text, and nothing is remembered.
//
// Layer:  pure, private to patterns. Immutable once finished; shared by all cores.
// Limits: kWindowWidthMax sets in a run, kWindowsMax runs.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
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
    const auto call = [](void* passed, const Entry& entry, std::size_t end) {
      (*static_cast<std::remove_reference_t<Visit>*>(passed))(entry, end);
    };
    scan_all(text, Teller{&visit, call});
  }

  void write(std::string& out) const;
  static std::optional<Windows> read(std::string_view& bytes, std::size_t members);

 private:
  struct Teller {
    void* passed;
    void (*call)(void* passed, const Entry& entry, std::size_t end);
  };
  void scan_all(std::string_view text, const Teller& teller) const;

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
    void tell(const Lanes& state, std::size_t end, const Teller& teller) const;
  };

  struct Run {
    Letters letters;
    Entry entry;
  };
  // Some blocks at a time: what the one waits for the other does meanwhile. Without gaps no letter stays.
  template <std::size_t kCount, bool kGaps>
  struct Pass;
  template <bool kGaps>
  static void scan_blocks(std::span<const Block> blocks, std::string_view text, const Teller& teller);

  std::vector<Run> runs_;
  std::vector<Block> blocks_;
  std::size_t gapped_ = 0;  // so many blocks have runs with gaps, the first ones
};

}  // namespace ringpost::patterns
