#include "fast_lines.hpp"

#include <bit>
#include <cstring>

#include "block.hpp"

namespace ringpost::scan {

#ifdef __AVX2__

namespace {

constexpr std::size_t kTailWorthwhile = 8;

constexpr std::uint64_t first_bits(std::size_t count) {
  return count >= kBlockSize ? ~std::uint64_t{0} : (std::uint64_t{1} << count) - 1;
}

// One pass over blocks. The carries between blocks live in the tracker: after_cr, and line_begin == size.
class Lines {
 public:
  Lines(FactsTracker& tracker, FastRules rules) : tracker_(tracker), rules_(rules) {}
  ~Lines() {
    tracker_.facts.eight_bit |= seen_.eight_bit() || eight_bit_;
    tracker_.facts.nul |= seen_.nul() || nul_;
  }
  Lines(const Lines&) = delete;
  Lines& operator=(const Lines&) = delete;

  // Takes up to `size` of the block's bytes; returns how many, all unless it stops.
  std::size_t take(const Block& block, std::size_t size) {
    std::uint64_t valid = first_bits(size);
    const std::uint64_t cr = block.equal('\r') & valid;
    std::uint64_t lf = block.equal('\n') & valid;
    std::uint64_t after_cr = (cr << 1U) | std::uint64_t{tracker_.after_cr};
    if (rules_.stop_at_bare && ((after_cr ^ lf) & valid) != 0) return 0;

    const std::uint64_t starts = ((lf & after_cr) << 1U) | std::uint64_t{tracker_.at_line_start()};
    std::uint64_t dots = starts == 0 ? 0 : starts & block.equal('.') & valid;
    if (dots != 0 && rules_.stop_at_dot) {
      size = static_cast<std::size_t>(std::countr_zero(dots));
      if (size == 0) return 0;
      valid = first_bits(size);
      lf &= valid;
      dots = 0;
    }
    note_bytes(block, valid, size);
    after_cr &= valid;
    note_lines(cr & valid, lf, after_cr, dots, size);
    return size;
  }

 private:
  void note_bytes(const Block& block, std::uint64_t valid, std::size_t size) {
    if (size == kBlockSize) {
      seen_.add(block);
      return;
    }
    eight_bit_ |= (block.eight_bit() & valid) != 0;
    nul_ |= (block.equal('\0') & valid) != 0;
  }

  void note_lines(std::uint64_t cr, std::uint64_t lf, std::uint64_t after_cr, std::uint64_t dots,
                  std::size_t size) {
    const std::uint64_t base = tracker_.facts.size;
    if (lf != after_cr) [[unlikely]] {
      tracker_.facts.bare_lf += static_cast<std::uint64_t>(std::popcount(lf & ~after_cr));
      tracker_.facts.bare_cr += static_cast<std::uint64_t>(std::popcount(after_cr & ~lf));
    }
    const std::uint64_t ends = lf & after_cr;
    for (std::uint64_t rest = ends; rest != 0; rest &= rest - 1)
      tracker_.note_line_end(base + static_cast<std::uint64_t>(std::countr_zero(rest)) - 1);
    for (; dots != 0; dots &= dots - 1)
      tracker_.note_dot(base + static_cast<std::uint64_t>(std::countr_zero(dots)));
    tracker_.facts.size = base + size;
    tracker_.after_cr = ((cr >> (size - 1)) & 1U) != 0;
    tracker_.facts.ends_with_crlf = ((ends >> (size - 1)) & 1U) != 0;
  }

  FactsTracker& tracker_;
  FastRules rules_;
  Seen seen_;
  bool eight_bit_ = false;
  bool nul_ = false;
};

}  // namespace

std::size_t take_fast(std::span<const std::byte> in, std::byte* out, FactsTracker& tracker, FastRules rules) {
  Lines lines(tracker, rules);
  std::size_t taken = 0;
  while (in.size() - taken >= kBlockSize) {
    const Block block = Block::load(in.data() + taken);
    const std::size_t size = lines.take(block, kBlockSize);
    block.store(out +
                taken);  // whole, even when less counts: the room is there, and what follows overwrites it
    taken += size;
    if (size != kBlockSize) return taken;
  }
  const std::size_t rest = in.size() - taken;
  if (rest < kTailWorthwhile) return taken;
  std::byte padded[kBlockSize] = {};
  std::memcpy(padded, in.data() + taken, rest);
  const std::size_t size = lines.take(Block::load(padded), rest);
  std::memcpy(out + taken, padded, size);
  return taken + size;
}

#else

std::size_t take_fast(std::span<const std::byte>, std::byte*, FactsTracker&, FastRules) {
  return 0;
}

#endif

}  // namespace ringpost::scan
