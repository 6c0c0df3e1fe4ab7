// Words that a tag cuts in two: what hides "viagra" from a search for it.
#include "ringpost/mail/charset.hpp"

#include "characters.hpp"
#include "html_renderer.hpp"

namespace ringpost::filter {

namespace {

constexpr std::size_t kShortWordMax = 7;

// The characters of a text by their kinds. In a text that is not wide, what is beyond ASCII is neither blank nor letter.
class Kinds {
 public:
  Kinds(std::string_view text, bool wide) : text_(text), wide_(wide) {}

  // No blank and no ASCII punctuation.
  bool is_solid(std::size_t at) const {
    const char c = text_[at];
    if (is_eight_bit(c)) return !wide_ || blank_size_at(text_, at) == 0;
    return is_alnum(c) || (!is_space(c) && (static_cast<unsigned char>(c) < ' ' || c == '\x7F'));
  }
  bool is_letter_at(std::size_t at) const {
    return is_word(text_[at]) || (is_eight_bit(text_[at]) && wide_ && is_solid(at));
  }
  // A word begins or ends between the characters at `before` and `at`; either may be kNowhere, the edge of the text.
  bool is_edge(std::size_t before, std::size_t at) const {
    return (before != kNowhere && is_letter_at(before)) != (at != kNowhere && is_letter_at(at));
  }
  std::size_t before(std::size_t at) const { return at == 0 ? kNowhere : character_before(text_, at); }
  std::size_t size() const { return text_.size(); }

  // Characters of the longest short run of solid ones at the end that begins at an edge; 0 when there is none.
  std::size_t short_word_at_end() const {
    std::size_t found = 0;
    std::size_t at = before(size());
    for (std::size_t count = 1; count <= kShortWordMax && at != kNowhere && is_solid(at);
         ++count, at = before(at))
      if (is_edge(before(at), at)) found = count;
    return found;
  }
  std::size_t short_word_at_front() const {
    std::size_t found = 0;
    std::size_t at = 0;
    for (std::size_t count = 1; count <= kShortWordMax && at < size() && is_solid(at); ++count) {
      const std::size_t next = at + mail::utf8_at(text_, at).size;
      if (is_edge(at, next < size() ? next : kNowhere)) found = count;
      at = next;
    }
    return found;
  }

 private:
  std::string_view text_;
  bool wide_;
};

}  // namespace

void HtmlRenderer::note_split_words(std::string_view text) {
  if (pieces_.empty() || text.empty()) return;
  const Kinds left(pieces_.back().text, wide_);
  const Kinds right(text, wide_);
  if (left.size() == 0 || !right.is_solid(0) || !left.is_solid(left.before(left.size()))) return;
  ++facts_.obfuscation;
  const std::size_t left_size = left.short_word_at_end();
  const std::size_t right_size = right.short_word_at_front();
  if (left_size > 0 && right_size > 0) backhair_.emplace(left_size, right_size);
}

}  // namespace ringpost::filter
