// Literals that a match cannot do without.
#include <array>
#include <cmath>

#include "factor_finder.hpp"

namespace ringpost::patterns {

namespace {

constexpr std::array<double, 26> kLetterBits{4,   6.2, 5.3, 5,  3.3, 5.9, 6,   4.7, 4.1, 9, 7.2, 5, 5.5,
                                             4.1, 4,   5.8, 10, 4.3, 4.2, 3.7, 5.3, 7,   6, 9,   6, 10};
constexpr double kBlankBits = 2.6, kDigitBits = 6.5, kStopBits = 6, kOtherBits = 8, kHighBits = 9;

double bits_of_text(const std::string& text) {
  double bits = 0;
  for (const char c : text) bits += bits_of(c);
  return bits;
}

// Texts in lower case.
struct Words {
  using Text = std::string;
  using Texts = std::vector<Text>;
  static constexpr bool kSeesEdges = false;
  static constexpr std::size_t kWidthMax = kFactorWidthMax;
  static constexpr std::uint32_t kRepeatMax = kFactorRepeatMax;
  static constexpr std::size_t kEdgesMax = 1;  // blanks in six ways only multiply

  static bool is_empty(const Text& text) { return text.empty(); }
  static void append(Text& head, const Text& tail) { head += tail; }
  static void make_unique(Texts& texts) {
    std::ranges::sort(texts);
    const auto [first, last] = std::ranges::unique(texts);
    texts.erase(first, last);
  }
  static Text of_bytes(const Node& node) {
    std::string text = node.text;
    std::ranges::transform(text, text.begin(), lowered);
    return text;
  }
  // None: too many.
  static Texts of_set(const ByteSet& set) {
    Texts texts;
    for (unsigned byte = 0; byte < 256 && texts.size() <= kFactorSetMax * 2; ++byte)
      if (set[byte]) texts.emplace_back(1, lowered(static_cast<char>(byte)));
    make_unique(texts);
    if (texts.size() > kFactorSetMax) texts.clear();
    return texts;
  }
  static std::optional<Texts> repeated(const Texts&, std::uint32_t, std::uint32_t) { return std::nullopt; }
  static Texts joined(Texts texts) { return texts; }
  static void begin_at_edge(Texts&) {}
  static bool end_at_edge(Texts&) { return false; }
  // One that holds another says nothing of its own.
  static Texts without_longer(const Texts& texts) {
    Texts kept;
    for (const Text& text : texts)
      if (std::ranges::none_of(
              texts, [&](const Text& other) { return other.size() < text.size() && text.contains(other); }))
        kept.push_back(text);
    return kept;
  }
  static double bits_of_any(const Texts& texts) {
    double often = 0;
    for (const Text& text : texts) often += std::exp2(-bits_of_text(text));
    return texts.empty() ? 0 : -std::log2(often);
  }
};

// Many words that must be there often: what they begin with says enough.
std::vector<std::string> shortened(std::vector<std::string> texts) {
  for (std::string& text : texts) text.resize(std::min(text.size(), kFactorWidthCounted));
  Words::make_unique(texts);
  return Words::without_longer(texts);
}

bool is_rare(const Factor& one) {
  if (one.times >= kFactorTimesMin)
    return one.width_min() >= kFactorWidthMinCounted && one.bits() >= kFactorBitsMinCounted;
  return one.literals.size() <= kFactorLiteralsMax && one.width_min() >= kFactorWidthMin &&
         one.bits() >= kFactorBitsMin;
}

}  // namespace

double bits_of(char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (c >= 'a' && c <= 'z') return kLetterBits[static_cast<std::size_t>(c - 'a')];
  if (c == ' ' || c == '\n') return kBlankBits;
  if (c >= '0' && c <= '9') return kDigitBits;
  if (c == '.' || c == ',') return kStopBits;
  return byte < 128 ? kOtherBits : kHighBits;
}

char lowered(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

double Factor::bits() const {
  return Words::bits_of_any(literals);
}

std::size_t Factor::width_min() const {
  std::size_t width = SIZE_MAX;
  for (const std::string& literal : literals) width = std::min(width, literal.size());
  return literals.empty() ? 0 : width;
}

std::vector<Factor> factors_of(const Tree& tree) {
  std::vector<Factor> found;
  for (auto& needed : FactorFinder<Words>(tree).run())
    found.push_back(
        {needed.times >= kFactorTimesMin ? shortened(std::move(needed.texts)) : std::move(needed.texts),
         needed.times});
  std::erase_if(found, [](const Factor& one) { return !is_rare(one); });
  std::ranges::sort(found, [](const Factor& a, const Factor& b) {
    const double rare = a.bits() * a.times, other = b.bits() * b.times;
    return rare != other ? rare > other : a.literals < b.literals;
  });
  if (!found.empty() && found.front().times >= kFactorTimesMin) found.resize(1);
  std::erase_if(found, [&](const Factor& one) { return found.size() > 1 && one.times >= kFactorTimesMin; });
  const auto [first, last] = std::ranges::unique(found, {}, &Factor::literals);
  found.erase(first, last);
  if (found.size() > kFactorsMax) found.resize(kFactorsMax);
  return found;
}

}  // namespace ringpost::patterns
