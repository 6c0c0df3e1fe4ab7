// Alternatives: what is among them, and how much of the HTML its text lacks.
#include <unordered_map>

#include "ringpost/filter/html_facts.hpp"
#include "ringpost/filter/parts.hpp"

#include "body_text.hpp"
#include "characters.hpp"
#include "eval_families.hpp"
#include "eval_support.hpp"

namespace ringpost::filter {

namespace {

// A part of an alternative that is neither text nor holds texts.
EvalAnswer check_ma_non_text(const EvalCall& call, Arguments) {
  const auto& parts = call.message.parts().parts;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].type != "multipart/alternative") continue;
    for (std::size_t inside = i + 1; inside < parts[i].end; ++inside) {
      const MimePart& part = parts[inside];
      if (part.depth != parts[i].depth + 1 || !part.leaf || part.type.empty()) continue;
      if (part.type != "application/rtf" && !part.type.starts_with("text/")) return EvalAnswer::of(true);
    }
  }
  return EvalAnswer::of(false);
}

// The words are in the rendered texts.
using WordCounts = std::unordered_map<std::string_view, std::size_t>;

void count_words(const WideText& text, WordCounts& counts) {
  const auto blank = [&](std::size_t at) {
    return text.wide ? blank_size_at(text.text, at) : is_space(text.text[at]) ? 1U : 0U;
  };
  const std::string_view all = text.text;
  for (std::size_t at = 0; at < all.size();) {
    while (at < all.size() && blank(at) > 0) at += blank(at);
    const std::size_t begin = at;
    bool word = false;
    while (at < all.size() && blank(at) == 0) {
      word |= is_word(all[at]) || is_eight_bit(all[at]);
      ++at;
    }
    if (word) ++counts[all.substr(begin, at - begin)];
  }
}

struct AlternativeDifference {
  bool made = false;
  double per_cent = 0;  // of the words of the HTML that its text lacks, in the worst alternative
  std::size_t html_words = 0;
  std::size_t text_words = 0;
};

void compare_alternative(const MessageView& message, std::size_t index, AlternativeDifference& difference) {
  const std::vector<MimePart>& parts = message.parts().parts;
  WordCounts html;
  WordCounts text;
  for (std::size_t inside = index + 1; inside < parts[index].end; ++inside) {
    const std::string_view type = parts[inside].type;
    const RenderedPart* rendered = type.starts_with("text") ? message.rendered(inside) : nullptr;
    if (rendered == nullptr) continue;
    if (!rendered->html) {
      count_words(rendered->all, text);
      continue;
    }
    count_words(rendered->all, html);
    // An image stands for words. No word can have this name.
    if (html.empty() && rendered->html->inside.contains("img")) html["\n"] = 1;
  }
  if (html.empty()) return;
  difference.html_words = html.size();
  difference.text_words = text.size();
  std::size_t missing = 0;
  for (const auto& [word, count] : html) {
    const auto found = text.find(word);
    missing += found == text.end() || count > found->second ? 1U : 0U;
  }
  difference.per_cent =
      std::max(difference.per_cent, static_cast<double>(missing) / static_cast<double>(html.size()) * 100);
}

const AlternativeDifference& alternative_difference(const EvalCall& call) {
  auto& difference = call.scratch.of<AlternativeDifference>();
  if (difference.made) return difference;
  difference.made = true;
  const auto& parts = call.message.parts().parts;
  // An invitation is no text to compare.
  if (parts.size() == 3 && parts[0].type == "multipart/alternative" && parts[1].type == "text/html" &&
      parts[2].type == "text/calendar")
    return difference;
  for (std::size_t i = 0; i < parts.size(); ++i)
    if (parts[i].type == "multipart/alternative") compare_alternative(call.message, i, difference);
  return difference;
}

EvalAnswer multipart_alternative_difference(const EvalCall& call, Arguments arguments) {
  const double found = alternative_difference(call).per_cent;
  const double least = number(arguments, 0, 0);
  return EvalAnswer::of((least == 0 || found > least) &&
                        (!is_given(arguments, 1) || found <= number(arguments, 1, 0)));
}

EvalAnswer multipart_alternative_difference_count(const EvalCall& call, Arguments arguments) {
  const AlternativeDifference& found = alternative_difference(call);
  const auto html = static_cast<double>(found.html_words);
  if (html <= number(arguments, 1, 0)) return EvalAnswer::of(false);
  return EvalAnswer::of(static_cast<double>(found.text_words) / html > number(arguments, 0, 0));
}

}  // namespace

void add_alternative_evals(EvalRegistry& registry) {
  registry.add("multipart_alternative_difference", {2, 2}, multipart_alternative_difference);
  registry.add("multipart_alternative_difference_count", {2, 2}, multipart_alternative_difference_count);
  registry.add("check_ma_non_text", {0, 0}, check_ma_non_text);
}

}  // namespace ringpost::filter
