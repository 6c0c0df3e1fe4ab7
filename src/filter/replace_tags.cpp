#include "replace_tags.hpp"

#include <vector>

#include "ringpost/filter/limits.hpp"
#include "ringpost/patterns/limits.hpp"

namespace ringpost::filter {

namespace {

// The text between the first `start`+`word` and the next `end`, taken out of `expression` with both; "" when there is none.
std::string take_modifier(std::string& expression, const std::string& start, std::string_view word,
                          const std::string& end) {
  const std::string opening = start + std::string(word) + " ";
  const std::size_t from = expression.find(opening);
  if (from == std::string::npos) return {};
  const std::size_t to = expression.find(end, from + opening.size() + 1);
  if (to == std::string::npos) return {};
  std::string name = expression.substr(from + opening.size(), to - from - opening.size());
  expression.erase(from, to + end.size() - from);
  return name;
}

// Cut at everything in angle brackets; what is between is kept, empty between two tags that touch.
std::vector<std::string> pieces_of(std::string_view expression) {
  std::vector<std::string> pieces;
  std::size_t from = 0;
  for (std::size_t open = expression.find('<'); open != std::string_view::npos;
       open = expression.find('<', open)) {
    const std::size_t stop = expression.find_first_of("<>", open + 1);
    if (stop == std::string_view::npos) break;
    if (expression[stop] == '<' || stop == open + 1) {
      open = expression[stop] == '<' ? stop : stop + 1;
      continue;
    }
    pieces.emplace_back(expression.substr(from, open - from));
    pieces.emplace_back(expression.substr(open, stop + 1 - open));
    from = open = stop + 1;
  }
  pieces.emplace_back(expression.substr(from));
  while (!pieces.empty() && pieces.back().empty()) pieces.pop_back();
  return pieces;
}

bool has_tag(std::string_view text) {
  const std::size_t open = text.find('<');
  return open != std::string_view::npos && text.find('>', open + 2) != std::string_view::npos;
}

std::string_view find(const ReplaceTags::Texts& texts, const std::string& name) {
  const auto found = texts.find(name);
  return found == texts.end() ? std::string_view{} : std::string_view(found->second);
}

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  std::size_t at = 0;
  for (std::size_t found = text.find(from); found != std::string_view::npos; found = text.find(from, at)) {
    out += text.substr(at, found - at);
    out += to;
    at = found + from.size();
  }
  return out += text.substr(at);
}

}  // namespace

Result<std::string> ReplaceTags::apply(std::string_view expression) const {
  std::string text(expression);
  bool again = true;
  for (unsigned pass = 0; again && pass < kReplacePassesMax; ++pass) {
    again = false;
    const std::string_view pre = find(before, take_modifier(text, start, "pre", end));
    const std::string_view post = find(after, take_modifier(text, start, "post", end));
    const std::string_view inter = find(between, take_modifier(text, start, "inter", end));
    std::string joined;
    for (std::string& piece : pieces_of(text)) {
      const std::size_t open = piece.find(start);
      const std::size_t close = open == std::string::npos ? open : piece.find(end, open + start.size() + 1);
      if (piece.empty()) {
        joined += inter;
        continue;
      }
      if (close == std::string::npos) {
        joined += piece;
        continue;
      }
      const std::string tag = piece.substr(open, close + end.size() - open);
      const std::string_view instead =
          find(tags, tag.substr(start.size(), tag.size() - start.size() - end.size()));
      piece.insert(close + end.size(), post);
      piece.insert(open, pre);
      if (instead.empty()) {
        joined += piece;
        continue;
      }
      again = again || has_tag(instead);
      joined += replaced(piece, tag, instead);
      if (joined.size() > patterns::kExpressionSizeMax)
        return fail(ErrorKind::permanent, "the expression grows too large when its tags are replaced");
    }
    text = std::move(joined);
  }
  return text;
}

}  // namespace ringpost::filter
