// Text cut into the words that Bayes counts.
//
// Layer:   private to `filter`.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "ringpost/filter/bayes.hpp"

namespace ringpost::filter {

enum class BayesRegion : unsigned char { header, text, uri };

class BayesWords {
 public:
  using Take = std::function<void(std::string_view prefix, std::string_view word)>;
  BayesWords(const BayesSettings& settings, patterns::Scratch& scratch, Take take)
      : settings_(settings), scratch_(scratch), take_(std::move(take)) {}

  void split(std::string_view text, std::string_view prefix, BayesRegion region);
  // "U*joe", "D*mail.example.com", "D*example.com", "D*com"; nothing for what is no address.
  static std::vector<std::string> address_words(std::string_view address);

 private:
  void take_word(std::string_view word, std::string_view prefix, BayesRegion region);
  bool is_stopword(std::string_view word);
  // True: the word is made of long characters, and those were taken in its place.
  bool take_characters(std::string_view word, std::string_view prefix);
  void take_simpler(std::string_view word, std::string_view prefix);

  const BayesSettings& settings_;
  patterns::Scratch& scratch_;
  Take take_;
  std::unordered_map<std::string, bool> stopwords_;  // what is known of words of this mail
};

}  // namespace ringpost::filter
