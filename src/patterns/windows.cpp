#include "windows.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "ringpost/base/assert.hpp"
#include "ringpost/patterns/limits.hpp"

#include "byte_sets.hpp"

namespace ringpost::patterns {

const std::size_t Windows::kRunsMax = kWindowsMax;

namespace {

bool has_gaps(const Letters& letters) {
  return std::ranges::any_of(letters, [](const Letter& letter) { return letter.stay.any(); });
}

}  // namespace

void Windows::add(Letters letters, Entry entry) {
  RP_ASSERT(!letters.empty() && letters.size() <= kWindowWidthMax);
  runs_.push_back({std::move(letters), entry});
}

void Windows::finish() {
  blocks_.clear();
  for (const bool gaps : {true, false}) {
    for (const Run& run : runs_) {
      if (has_gaps(run.letters) != gaps) continue;
      // One without gaps may stand among those that have some, but not the other way about.
      if (std::ranges::any_of(blocks_, [&](Block& block) { return block.add(run.letters, run.entry); }))
        continue;
      blocks_.emplace_back();
      RP_ASSERT(blocks_.back().add(run.letters, run.entry));
    }
    if (gaps) gapped_ = blocks_.size();
  }
}

bool Windows::Block::add(const Letters& letters, Entry entry) {
  const auto lane = static_cast<std::size_t>(
      std::ranges::find_if(used, [&](unsigned bits) { return bits + letters.size() <= 64; }) - used.begin());
  if (lane == kLanes) return false;
  const unsigned begin = used[lane];
  used[lane] += static_cast<unsigned>(letters.size());
  const unsigned end = used[lane] - 1;
  first[lane] |= std::uint64_t{1} << begin;
  last[lane] |= std::uint64_t{1} << end;
  entries[lane * 64 + end] = entry;
  for (unsigned n = 0; n < letters.size(); ++n)
    for (unsigned byte = 0; byte < 256; ++byte) {
      const std::uint64_t bit = std::uint64_t{1} << (begin + n);
      if (letters[n].set[byte]) steps[byte].takes[lane] |= bit;
      if (letters[n].stay[byte]) steps[byte].stays[lane] |= bit;
    }
  return true;
}

void Windows::Block::tell(const Lanes& state, std::size_t end, const Teller& teller) const {
  const Lanes ended = state & last;
  for (std::size_t lane = 0; lane < kLanes; ++lane)
    for (std::uint64_t bits = ended[lane]; bits != 0; bits &= bits - 1)
      teller.call(teller.passed, entries[lane * 64 + static_cast<std::size_t>(std::countr_zero(bits))], end);
}

// The same code for each kind of processor: what is always inlined is compiled for whoever calls it.
template <std::size_t kCount, bool kGaps>
struct Windows::Pass {
  const Block* blocks;
  std::string_view text;
  const Teller& teller;

  using States = std::array<Lanes, kCount>;

  // A newline is before the text and behind it, whatever it ends with.
  [[gnu::always_inline]] void run() const {
    constexpr unsigned char kNewline = 10;
    States states;
    for (std::size_t n = 0; n < kCount; ++n) states[n] = blocks[n].first & blocks[n].steps[kNewline].takes;
    for (std::size_t at = 0; (at = find(states, text, at)) < text.size(); ++at) tell(states, at + 1);
    if (find(states, "\n", 0) == 0) tell(states, text.size());
  }
  // Where the next run ends, with the states there. It calls nothing, so that states stay in registers.
  [[gnu::always_inline]] std::size_t find(States& passed, std::string_view bytes, std::size_t at) const {
    States states = passed;
    const Block* const from = blocks;
    const char* const begin = bytes.data();
    const std::size_t end = bytes.size();
    for (; at < end; ++at) {
      const auto byte = static_cast<unsigned char>(begin[at]);
      Lanes ended{};
      for (std::size_t n = 0; n < kCount; ++n) {
        const typename Block::Steps& step = from[n].steps[byte];
        const Lanes stays = kGaps ? states[n] & step.stays : Lanes{};
        states[n] = (((states[n] << 1) | from[n].first) & step.takes) | stays;
        ended |= states[n] & from[n].last;
      }
      if (__builtin_reduce_or(ended) != 0) break;
    }
    passed = states;
    return at;
  }
  void tell(const States& states, std::size_t end) const {
    for (std::size_t n = 0; n < kCount; ++n) blocks[n].tell(states[n], end, teller);
  }
  void plain() const { run(); }
#if defined(__x86_64__)
  [[gnu::target("avx2")]] void avx2() const { run(); }
  [[gnu::target("avx512f")]] void avx512() const { run(); }
  void best() const {
    if (__builtin_cpu_supports("avx512f")) return avx512();
    if (__builtin_cpu_supports("avx2")) return avx2();
    plain();
  }
#else
  void best() const { plain(); }
#endif
};

template <bool kGaps>
void Windows::scan_blocks(std::span<const Block> blocks, std::string_view text, const Teller& teller) {
  for (; blocks.size() > 3; blocks = blocks.subspan(2)) Pass<2, kGaps>{blocks.data(), text, teller}.best();
  if (blocks.size() == 3) Pass<3, kGaps>{blocks.data(), text, teller}.best();
  if (blocks.size() == 2) Pass<2, kGaps>{blocks.data(), text, teller}.best();
  if (blocks.size() == 1) Pass<1, kGaps>{blocks.data(), text, teller}.best();
}

void Windows::scan_all(std::string_view text, const Teller& teller) const {
  const std::span<const Block> blocks(blocks_);
  scan_blocks<true>(blocks.first(gapped_), text, teller);
  scan_blocks<false>(blocks.subspan(gapped_), text, teller);
}

// count u32 | for each: member u32, gives u8, width u8, each letter in 64 bytes
void Windows::write(std::string& out) const {
  const auto put = [&](const auto& value) {
    out.append(reinterpret_cast<const char*>(&value), sizeof value);
  };
  put(static_cast<std::uint32_t>(runs_.size()));
  for (const Run& run : runs_) {
    put(run.entry.member);
    put(run.entry.gives);
    put(static_cast<std::uint8_t>(run.letters.size()));
    for (const Letter& letter : run.letters) {
      put(packed(letter.set));
      put(packed(letter.stay));
    }
  }
}

std::optional<Windows> Windows::read(std::string_view& bytes, std::size_t members) {
  const auto take = [&](auto& value) {
    if (bytes.size() < sizeof value) return false;
    std::memcpy(&value, bytes.data(), sizeof value);
    bytes.remove_prefix(sizeof value);
    return true;
  };
  Windows made;
  std::uint32_t count = 0;
  if (!take(count) || count > kWindowsMax) return std::nullopt;
  for (std::uint32_t n = 0; n < count; ++n) {
    Run run;
    std::uint8_t width = 0;
    if (!take(run.entry.member) || !take(run.entry.gives) || !take(width)) return std::nullopt;
    if (run.entry.member >= members || width == 0 || width > kWindowWidthMax) return std::nullopt;
    for (std::uint8_t at = 0; at < width; ++at) {
      PackedSet set{}, stay{};
      if (!take(set) || !take(stay)) return std::nullopt;
      run.letters.push_back({unpacked(set), unpacked(stay)});
    }
    made.runs_.push_back(std::move(run));
  }
  made.finish();
  return made;
}

}  // namespace ringpost::patterns
