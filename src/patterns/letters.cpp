// Runs of byte sets that a match cannot do without. What may stand between two of them, or be there several times, stays behind
// the one before: it may go on as long as it likes. That is looser than the expression, and never says no where that says yes.
#include <array>
#include <cmath>

#include "byte_sets.hpp"
#include "factor_finder.hpp"

namespace ringpost::patterns {

namespace {

const ByteSet& word_set() {
  static const ByteSet set = *escaped_class('w');
  return set;
}
bool is_within(const ByteSet& inner, const ByteSet& outer) {
  return (inner & ~outer).none();
}

// Of one byte among others: a set may have many that are rare.
double bits_of_byte(unsigned byte) {
  constexpr double kNewlineBits = 6, kControlBits = 14, kHighBits = 13, kCapitalBits = 3;
  const char c = static_cast<char>(byte);
  if (c == '\n') return kNewlineBits;
  if (byte < 32) return kControlBits;
  if (byte > 127) return kHighBits;
  return bits_of(lowered(c)) + (lowered(c) != c ? kCapitalBits : 0);
}

double bits_of_set(const ByteSet& set) {
  static const std::array<double, 256> often = [] {
    std::array<double, 256> table{};
    for (unsigned byte = 0; byte < 256; ++byte) table[byte] = std::exp2(-bits_of_byte(byte));
    return table;
  }();
  double sum = 0;
  for (unsigned byte = 0; byte < 256; ++byte) sum += set[byte] ? often[byte] : 0;
  return sum > 0 && sum < 1 ? -std::log2(sum) : 0;
}
double bits_of_run(const Letters& run) {
  double bits = 0;
  for (const Letter& letter : run) bits += bits_of_set(letter.set);
  return bits;
}

// A letter without a set is a gap alone.
struct Runs {
  using Text = Letters;
  using Texts = std::vector<Text>;
  static constexpr bool kSeesEdges = true;
  static constexpr std::size_t kEdgesMax = kFactorLiteralsMax;
  static constexpr std::size_t kWidthMax = kWindowWidthMax;
  static constexpr std::uint32_t kRepeatMax = kWindowRepeatMax;

  static bool is_gap(const Letter& letter) { return letter.set.none(); }
  static bool is_empty(const Text& text) { return std::ranges::all_of(text, is_gap); }
  static void append(Text& head, const Text& tail) {
    for (const Letter& letter : tail)
      if (is_gap(letter) && !head.empty())
        head.back().stay |= letter.stay;
      else
        head.push_back(letter);
  }
  static void make_unique(Texts& texts) {
    Texts kept;
    for (Text& text : texts)
      if (std::ranges::find(kept, text) == kept.end()) kept.push_back(std::move(text));
    texts = std::move(kept);
  }
  static Text of_bytes(const Node& node) {
    Text text;
    for (std::size_t at = 0; at < node.text.size(); ++at) {
      const ByteSet set = bytes_of(std::string_view(node.text).substr(at, 1));
      text.push_back({node.caseless ? folded(set) : set, {}});
    }
    return text;
  }
  static Texts of_set(const ByteSet& set) { return {{{set, {}}}}; }

  // Of one letter.
  static std::optional<Texts> repeated(const Texts& once, std::uint32_t min, std::uint32_t max) {
    if (once.size() != 1 || once[0].size() != 1) return std::nullopt;
    const Letter letter = once[0][0];
    const ByteSet all = letter.set | letter.stay;
    if (min == 0 || is_gap(letter)) return Texts{{{{}, all}}};
    Text text(std::min<std::size_t>(min, kWindowWidthMax), letter);
    if (max > text.size()) text.back().stay |= all;
    return Texts{std::move(text)};
  }
  // Ways to write one letter: a byte that one of them begins with, then any that follow.
  static Texts joined(Texts texts) {
    const auto one = [](const Text& text) { return text.size() == 1 && !is_gap(text[0]); };
    if (std::ranges::none_of(texts, one) || std::ranges::any_of(texts, is_empty)) return texts;
    Letter letter;
    for (const Text& text : texts)
      for (std::size_t at = 0; at < text.size(); ++at) {
        const bool first = at == 0 && !is_gap(text[0]);
        if (at == 0 && !first) return texts;
        (first ? letter.set : letter.stay) |= text[at].set;
        letter.stay |= text[at].stay;
      }
    return {{letter}};
  }

  // Where a word begins or ends there is something else beside it, or nothing, which counts as a newline.
  static void begin_at_edge(Texts& texts) {
    const bool words = std::ranges::all_of(texts, [](const Text& text) {
      return !text.empty() && !is_gap(text[0]) && is_within(text[0].set, word_set());
    });
    for (Text& text : texts)
      if (words) text.insert(text.begin(), {~word_set(), {}});
  }
  static bool end_at_edge(Texts& texts) {
    const bool words = std::ranges::all_of(texts, [](const Text& text) {
      return !text.empty() && !is_gap(text.back()) &&
             is_within(text.back().set | text.back().stay, word_set());
    });
    for (Text& text : texts)
      if (words) text.push_back({~word_set(), {}});
    return words;
  }

  static Texts without_longer(Texts texts) { return texts; }
  static double bits_of_any(const Texts& texts) {
    double often = 0;
    for (const Text& text : texts) often += std::exp2(-bits_of_run(text));
    return texts.empty() ? 0 : -std::log2(often);
  }
};

// The narrowest part that says enough, or the one that says most.
Letters best_window(const Letters& run) {
  Letters best;
  double best_bits = -1;
  for (std::size_t width = 1; width <= std::min(run.size(), kWindowWidthMax) && best_bits < kWindowBitsEnough;
       ++width)
    for (std::size_t at = 0; at + width <= run.size(); ++at) {
      if (Runs::is_gap(run[at])) continue;
      const auto begin = run.begin() + static_cast<std::ptrdiff_t>(at);
      Letters part(begin, begin + static_cast<std::ptrdiff_t>(width));
      const double bits = bits_of_run(part);
      if (bits <= best_bits + kWindowBitsStep) continue;
      best_bits = bits;
      best = std::move(part);
    }
  // What goes on behind it would say the same again.
  best.back().stay.reset();
  return best;
}

}  // namespace

double LettersFactor::bits() const {
  return Runs::bits_of_any(runs);
}

std::vector<LettersFactor> letters_factors_of(const Tree& tree) {
  std::vector<LettersFactor> found;
  for (const auto& needed : FactorFinder<Runs>(tree).run()) {
    LettersFactor factor;
    for (const Letters& run : needed.texts) factor.runs.push_back(best_window(run));
    Runs::make_unique(factor.runs);
    if (factor.runs.size() <= kWindowRunsMax) found.push_back(std::move(factor));
  }
  std::ranges::sort(found, std::greater{}, &LettersFactor::bits);
  if (found.empty() || found.front().bits() < kWindowBitsMin) return {};
  double sum = 0;
  std::vector<LettersFactor> kept;
  for (LettersFactor& one : found) {
    const double bits = one.bits();
    if (sum >= kWindowBitsEnough || bits < kWindowBitsMore || kept.size() == kFactorsMax) break;
    sum += bits;
    kept.push_back(std::move(one));
  }
  return kept;
}

}  // namespace ringpost::patterns
