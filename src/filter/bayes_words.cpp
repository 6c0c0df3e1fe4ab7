#include "bayes_words.hpp"

#include <algorithm>
#include <array>

#include "characters.hpp"

namespace ringpost::filter {

namespace {

constexpr std::size_t kWordSizeMin = 3;
constexpr std::size_t kSkipCharacters = 7;  // what is kept of a long word

bool is_between(char c, unsigned first, unsigned last) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= first && byte <= last;
}
bool is_continuation(char c) {
  return is_between(c, 0x80, 0xBF);
}
// The bytes of the character that begins there as UTF-8 has it; 1 for any other byte.
std::size_t character_size(std::string_view text) {
  const std::size_t size = is_between(text[0], 0xC0, 0xDF)   ? 2
                           : is_between(text[0], 0xE0, 0xEF) ? 3
                           : is_between(text[0], 0xF0, 0xF4) ? 4
                                                             : 1;
  if (size > text.size()) return 1;
  return std::ranges::all_of(text.substr(1, size - 1), is_continuation) ? size : 1;
}

constexpr auto kOfWords = [] {
  std::array<bool, 256> table{};
  for (int c = 0; c < 128; ++c) table[static_cast<std::size_t>(c)] = is_alnum(static_cast<char>(c));
  for (const char c : std::string_view(",@*!_'\"$. -")) table[static_cast<unsigned char>(c)] = true;
  return table;
}();
bool is_of_words(char c) {
  return kOfWords[static_cast<unsigned char>(c)];
}

// Characters and what stands in amounts, addresses and host names; a blank for every other byte.
std::string without_noise(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    std::size_t size = 1;
    if (is_eight_bit(text[0])) {
      size = character_size(text);
      if (size > 1 || is_between(text[0], 0xA1, 0xFF))
        out += text.substr(0, size);
      else
        out += ' ';
    } else {
      out += is_of_words(text[0]) ? text[0] : ' ';
    }
    text.remove_prefix(size);
  }
  return out;
}

// Blanks around a run of `least` to `most` such characters between two words.
std::string with_runs_apart(const std::string& text, char run, std::size_t least, std::size_t most) {
  if (text.find(std::string(least, run)) == kNowhere) return text;
  std::string out;
  out.reserve(text.size() + 16);
  for (std::size_t at = 0; at < text.size();) {
    out += text[at];
    if (!is_word(text[at++])) continue;
    const std::size_t end = std::min(text.find_first_not_of(run, at), text.size());
    const std::size_t length = end - at;
    if (length < least || length > most || end == text.size() || !is_word(text[end])) continue;
    out += ' ';
    out.append(length, run);
    out += ' ';
    out += text[end];
    at = end + 1;
  }
  return out;
}

// Where a sentence begins at `at`: the place of its capital. kNowhere: none does.
std::size_t sentence_capital(std::string_view text, std::size_t at) {
  if (at == 0 && is_upper(text[0])) return 0;
  if (text[at] != '.') return kNowhere;
  std::size_t start = at + 1;
  while (start < text.size() && text[start] == ' ') ++start;
  return start > at + 1 && start < text.size() && is_upper(text[start]) ? start : kNowhere;
}

// The first letter of a sentence is a small one, when a word without capitals follows it.
std::string with_small_beginnings(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 8);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t capital = sentence_capital(text, at);
    if (capital == kNowhere) {
      out += text[at++];
      continue;
    }
    std::size_t end = capital + 1;
    while (end < text.size() && !is_upper(text[end])) ++end;
    // Up to the end, or to the last blank before another capital.
    std::size_t stop = end;
    if (end < text.size()) {
      --stop;
      while (stop > capital && text[stop] != ' ') --stop;
    }
    if (stop < capital + 2) {
      out += text[at++];
      continue;
    }
    out += ' ';
    out += to_lower(text[capital]);
    out += text.substr(capital + 1, stop - capital - 1);
    out += ' ';
    at = stop + (stop < text.size() ? 1 : 0);
  }
  return out;
}

std::string_view trimmed(std::string_view word) {
  constexpr std::string_view kEdges = "-'\".,";
  while (!word.empty() && contains(kEdges, word.substr(0, 1))) word.remove_prefix(1);
  while (!word.empty() && contains(kEdges, word.substr(word.size() - 1))) word.remove_suffix(1);
  return word;
}

// What is behind the first label; empty for the last one.
std::string_view parent_domain(std::string_view host) {
  const std::size_t dot = host.find('.');
  return dot == kNowhere || dot == 0 ? std::string_view{} : host.substr(dot + 1);
}

bool has_inside(std::string_view word, char c, auto follows) {
  for (std::size_t at = word.find(c, 1); at != kNowhere && at + 1 < word.size(); at = word.find(c, at + 1))
    if (follows(word[at + 1])) return true;
  return false;
}

bool is_plain(char c) {
  return is_word(c) || c == ':' || c == '*';
}
std::string plain(std::string_view word) {
  std::string out;
  std::ranges::copy_if(word, std::back_inserter(out), is_plain);
  return out;
}

// "sk:" and the first seven characters, when two bytes or more follow them.
std::string shortened(std::string_view word) {
  std::size_t size = 0;
  for (std::size_t n = 0; n < kSkipCharacters; ++n) {
    if (size >= word.size()) return std::string(word);
    size += character_size(word.substr(size));
  }
  if (word.size() < size + 2) return std::string(word);
  return "sk:" + std::string(word.substr(0, size));
}

}  // namespace

void BayesWords::split(std::string_view text, std::string_view prefix, BayesRegion region) {
  std::string clean = without_noise(text);
  clean = with_runs_apart(clean, '.', 3, 6);
  clean = with_runs_apart(clean, '-', 2, 6);
  if (region != BayesRegion::header) clean = with_small_beginnings(clean);
  for (std::string_view rest = trim_front(clean); !rest.empty(); rest = trim_front(rest)) {
    const std::string_view word = rest.substr(0, rest.find(' '));
    rest.remove_prefix(word.size());
    take_word(trimmed(word), prefix, region);
  }
}

void BayesWords::take_word(std::string_view word, std::string_view prefix, BayesRegion region) {
  if (word.size() < kWordSizeMin || is_stopword(word)) return;
  if (region != BayesRegion::header) {
    if (has_inside(word, '@', [](char c) { return !is_space(c); })) {
      for (const std::string& part : address_words(word)) take_({}, part);
    } else if (has_inside(word, '.', is_letter)) {
      for (std::string_view host = word; !host.empty(); host = parent_domain(host)) take_("UD:", host);
    }
  }
  std::string whole(word);
  // A word that was taken apart already ("D*example.com") keeps its length.
  if (word.size() > settings_.token_size_max && !contains(word, "*")) {
    if (take_characters(word, prefix)) return;
    if (region != BayesRegion::uri) whole = shortened(word);
  }
  if (region != BayesRegion::header) take_simpler(whole, prefix);
  take_(prefix, whole);
}

bool BayesWords::is_stopword(std::string_view word) {
  const auto [known, fresh] = stopwords_.try_emplace(std::string(word), false);
  if (fresh)
    known->second = std::ranges::any_of(settings_.stopwords, [&](const auto& expression) {
      return expression->search(word, scratch_) == patterns::Match::yes;
    });
  return known->second;
}

bool BayesWords::take_characters(std::string_view word, std::string_view prefix) {
  bool long_sequences = false;
  for (std::size_t at = 0; at + 1 < word.size() && !long_sequences; ++at)
    long_sequences = is_continuation(word[at]) && is_continuation(word[at + 1]);
  if (!long_sequences) return false;
  bool any = false;
  const std::string marked = std::string(prefix) + "u8:";
  while (!word.empty()) {
    const std::size_t size = character_size(word);
    if (size >= 3) take_(marked, word.substr(0, size));
    any = any || size >= 3;
    word.remove_prefix(size);
  }
  return any;
}

// "Foo!" is "Foo", "foo!" and "foo" too.
void BayesWords::take_simpler(std::string_view word, std::string_view prefix) {
  const bool decorated = !std::ranges::all_of(word, is_plain);
  if (decorated) take_(prefix, plain(word));
  if (std::ranges::none_of(word, is_upper)) return;
  const std::string small = lower(word);
  take_(prefix, small);
  if (decorated) take_(prefix, plain(small));
}

std::vector<std::string> BayesWords::address_words(std::string_view address) {
  std::size_t at = address.rfind('@');
  if (at != kNowhere && at + 1 == address.size()) at = at == 0 ? kNowhere : address.rfind('@', at - 1);
  if (at == kNowhere || at == 0) return {};
  std::vector<std::string> words{"U*" + std::string(address.substr(0, at))};
  for (std::string_view host = address.substr(at + 1); !host.empty(); host = parent_domain(host))
    words.push_back("D*" + std::string(host));
  return words;
}

}  // namespace ringpost::filter
