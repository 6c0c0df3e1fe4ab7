#include "html_scanner.hpp"

#include <algorithm>
#include <array>

#include "ringpost/filter/view_limits.hpp"

#include "characters.hpp"
#include "html_entities.hpp"

namespace ringpost::filter {

void HtmlAttributes::add(std::string name, std::string value) {
  if (list_.size() < kHtmlAttributesMax && find(name) == nullptr)
    list_.push_back({std::move(name), std::move(value)});
}

const std::string* HtmlAttributes::find(std::string_view name) const {
  const auto found = std::ranges::find(list_, name, &HtmlAttribute::name);
  return found == list_.end() ? nullptr : &found->value;
}

namespace {

constexpr bool begins_name(char c) {
  return is_letter(c) || c == '_' || c == ':';
}
constexpr bool in_word(char c) {
  return !is_space(c) && c != '>';
}

struct Literal {
  std::string_view name;
  bool encoded;  // what looks like a reference is none
};
constexpr std::array<Literal, 7> kLiterals{{{"script", true},
                                            {"style", true},
                                            {"xmp", true},
                                            {"iframe", true},
                                            {"plaintext", true},
                                            {"title", false},
                                            {"textarea", false}}};

// As an old browser skips quoted text inside of an end tag.
std::size_t find_tag_end(std::string_view html, std::size_t from) {
  char quote = 0;
  char before = ' ';
  for (std::size_t at = from; at < html.size(); ++at) {
    const char c = html[at];
    if (quote == 0 && c == '>') return at;
    if (c == '"' || c == '\'') {
      if (c == quote)
        quote = 0;
      else if (quote == 0 && (before == ' ' || before == '='))
        quote = c;
    }
    before = c;
  }
  return kNowhere;
}

}  // namespace

std::size_t HtmlScanner::skip_blanks(std::size_t place) const {
  while (place < html_.size() && is_space(html_[place])) ++place;
  return place;
}

void HtmlScanner::emit_text(std::size_t begin, std::size_t end) {
  if (begin >= end || section() == Section::ignored) return;
  const std::string_view source = html_.substr(begin, end - begin);
  buffer_.clear();
  const bool plain = (!literal_.empty() && literal_encoded_) || section() == Section::characters;
  if (plain)
    buffer_ = source;
  else
    append_html_decoded(source, EntityNames::prefixes, buffer_);
  events_.text(buffer_);
}

void HtmlScanner::run() {
  while (next_ < html_.size()) {
    if (!literal_.empty()) {
      if (!scan_literal()) break;
    } else if (section() == Section::characters || section() == Section::decoded_characters) {
      if (!scan_section()) break;
    } else {
      if (!scan_text()) break;
      if (html_.size() - mark_ < 3) break;
      const Markup found = scan_markup();
      if (found == Markup::unfinished) break;
      if (found == Markup::none) ++next_;
    }
  }
  finish();
}

// Up to the end tag of the element, and that.
bool HtmlScanner::scan_literal() {
  for (std::size_t found = html_.find("</", next_); found != kNowhere; found = html_.find("</", found + 2)) {
    if (literal_ == "plaintext" || !starts_nocase(html_.substr(found + 2), literal_)) continue;
    const std::size_t end = skip_blanks(found + 2 + literal_.size());
    if (at(end) != '>') continue;
    emit_text(mark_, found);
    const std::string name = std::move(literal_);
    literal_.clear();
    mark_ = next_ = end + 1;
    if (section() != Section::ignored) events_.end_tag(name);
    return true;
  }
  return false;
}

bool HtmlScanner::close_section(std::size_t place) {
  if (!html_.substr(place).starts_with("]]>")) return false;
  emit_text(mark_, place);
  sections_.pop_back();
  mark_ = next_ = place + 3;
  return true;
}

bool HtmlScanner::scan_section() {
  const std::size_t end = html_.find("]]>", next_);
  return end != kNowhere && close_section(end);
}

// Up to the next '<'. False at the end of the HTML.
bool HtmlScanner::scan_text() {
  while (next_ < html_.size() && html_[next_] != '<')
    if (sections_.empty() || html_[next_] != ']' || !close_section(next_)) ++next_;
  if (next_ == html_.size()) return false;
  emit_text(mark_, next_);
  mark_ = next_;
  return true;
}

HtmlScanner::Markup HtmlScanner::scan_markup() {
  const char kind = at(mark_ + 1);
  if (begins_name(kind)) return scan_start();
  if (kind == '/') return scan_end();
  if (kind == '!') return scan_declaration();
  if (kind != '?') return Markup::none;
  const std::size_t end = html_.find('>', mark_ + 2);
  if (end == kNowhere) return Markup::unfinished;
  mark_ = next_ = end + 1;
  return Markup::read;
}

HtmlScanner::Markup HtmlScanner::scan_start() {
  std::size_t place = mark_ + 2;
  while (place < html_.size() && in_word(html_[place])) ++place;
  const std::string name = lower(html_.substr(mark_ + 1, place - mark_ - 1));
  place = skip_blanks(place);
  attributes_.clear();
  if (scan_attributes(place) == Markup::unfinished) return Markup::unfinished;
  mark_ = next_ = place + 1;
  if (section() == Section::ignored) return Markup::read;
  events_.start_tag(name, attributes_);
  const auto literal = std::ranges::find(kLiterals, name, &Literal::name);
  if (literal != kLiterals.end()) {
    literal_ = name;
    literal_encoded_ = literal->encoded;
  }
  return Markup::read;
}

// Leaves `place` at the '>'.
HtmlScanner::Markup HtmlScanner::scan_attributes(std::size_t& place) {
  while (place < html_.size() && html_[place] != '>') {
    const std::size_t name_begin = place++;
    while (place < html_.size() && in_word(html_[place]) && html_[place] != '=') ++place;
    std::string name = lower(html_.substr(name_begin, place - name_begin));
    place = skip_blanks(place);
    if (at(place) != '=' || place >= html_.size()) {
      attributes_.add(name, name);
      continue;
    }
    place = skip_blanks(place + 1);
    std::size_t begin = place;
    std::size_t end = place;
    if (at(place) == '"' || at(place) == '\'') {
      begin = place + 1;
      end = html_.find(html_[place], begin);
      if (end == kNowhere) return Markup::unfinished;
      place = end + 1;
    } else {
      while (place < html_.size() && in_word(html_[place])) ++place;
      end = place;
    }
    std::string value;
    append_html_decoded(html_.substr(begin, end - begin), EntityNames::whole, value);
    attributes_.add(std::move(name), std::move(value));
    place = skip_blanks(place);
  }
  return place < html_.size() ? Markup::read : Markup::unfinished;
}

HtmlScanner::Markup HtmlScanner::comment_until(std::size_t end) {
  if (end == kNowhere) return Markup::unfinished;
  const std::string_view source = html_.substr(mark_, end - mark_);
  mark_ = next_ = end;
  if (section() != Section::ignored) events_.comment(source);
  return Markup::read;
}

HtmlScanner::Markup HtmlScanner::scan_end() {
  std::size_t place = mark_ + 2;
  while (place < html_.size() && in_word(html_[place])) ++place;
  const std::string name = lower(html_.substr(mark_ + 2, place - mark_ - 2));
  const std::size_t end = find_tag_end(html_, place);
  if (end == kNowhere) return Markup::unfinished;
  if (name.empty()) return comment_until(end + 1);
  mark_ = next_ = end + 1;
  if (section() != Section::ignored) events_.end_tag(name);
  return Markup::read;
}

// "--", blanks and '>' end a comment; with `any_end`, so does a '>' alone.
HtmlScanner::Markup HtmlScanner::scan_comment(std::size_t from, bool any_end) {
  if (any_end || loose_comments_) {
    const std::size_t end = html_.find('>', from);
    return comment_until(end == kNowhere ? kNowhere : end + 1);
  }
  for (std::size_t found = html_.find("--", from); found != kNowhere; found = html_.find("--", found + 1)) {
    const std::size_t end = skip_blanks(found + 2);
    if (at(end) == '>') return comment_until(end + 1);
    if (end == html_.size()) break;
  }
  return Markup::unfinished;
}

HtmlScanner::Markup HtmlScanner::scan_section_start(std::size_t place) {
  Section wanted = Section::included;
  for (place = skip_blanks(place); begins_name(at(place)); place = skip_blanks(place)) {
    const std::size_t begin = place;
    while (begins_name(at(place)) || is_digit(at(place)) || at(place) == '-' || at(place) == '.') ++place;
    const std::string word = lower(html_.substr(begin, place - begin));
    if (word == "cdata") wanted = Section::characters;
    if (word == "rcdata" && wanted != Section::characters) wanted = Section::decoded_characters;
    if (word == "ignore") wanted = Section::ignored;
  }
  if (at(place) != '[') return Markup::none;
  sections_.push_back(section() == Section::ignored ? Section::ignored : wanted);
  mark_ = next_ = place + 1;
  return Markup::read;
}

// The words of "<!DOCTYPE ...>", from behind the first. none: it is no declaration.
HtmlScanner::Markup HtmlScanner::scan_words(std::size_t place) {
  const std::size_t most = place + kDeclarationSizeMax;
  for (place = skip_blanks(place); at(place) != '>' || place >= html_.size(); place = skip_blanks(place)) {
    if (place >= html_.size()) return Markup::unfinished;
    if (place > most) return Markup::none;
    if (html_[place] == '"' || html_[place] == '\'') {
      place = html_.find(html_[place], place + 1);
      if (place == kNowhere) return Markup::unfinished;
      ++place;
    } else if (html_[place] == '-') {
      if (at(place + 1) != '-') return Markup::none;
      place = html_.find("--", place + 2);
      if (place == kNowhere) return Markup::unfinished;
      place += 2;
    } else {
      while (place < html_.size() && in_word(html_[place])) ++place;
    }
  }
  const std::string_view source = html_.substr(mark_, place + 1 - mark_);
  mark_ = next_ = place + 1;
  if (section() != Section::ignored) events_.declaration(source);
  return Markup::read;
}

HtmlScanner::Markup HtmlScanner::scan_declaration() {
  const std::size_t place = mark_ + 2;
  if (html_.substr(place).starts_with("--")) return scan_comment(place + 2, false);
  if (at(place) == '[') {
    const Markup found = scan_section_start(place + 1);
    if (found != Markup::none) return found;
  } else if (is_letter(at(place))) {
    std::size_t end = place;
    while (begins_name(at(end)) || is_digit(at(end)) || at(end) == '-' || at(end) == '.') ++end;
    const std::string word = lower(html_.substr(place, end - place));
    if (word == "doctype" || word == "entity") {
      const Markup found = scan_words(end);
      if (found != Markup::none) return found;
    }
  }
  return scan_comment(place, true);
}

// What is left has no end: text in two pieces, cut before its last word, or markup that counts as a comment.
void HtmlScanner::emit_tail(std::size_t end) {
  std::size_t cut = end;
  if (cut > mark_ && is_space(html_[cut - 1])) {
    while (cut > mark_ && is_space(html_[cut - 1])) --cut;
  } else {
    while (cut > mark_ && !is_space(html_[cut - 1])) --cut;
    while (cut > mark_ && is_space(html_[cut - 1])) --cut;
  }
  emit_text(mark_, cut);
  emit_text(cut, end);
}

void HtmlScanner::finish() {
  if (mark_ >= html_.size()) return;
  const bool in_characters = section() == Section::characters || section() == Section::decoded_characters;
  if (literal_ == "script" || literal_ == "style" || literal_ == "title") {
    literal_ == "title" ? emit_tail(html_.size()) : emit_text(mark_, html_.size());
    events_.end_tag(std::string(std::move(literal_)));
    return;
  }
  if (!literal_.empty() || in_characters || html_[mark_] != '<') {
    emit_tail(html_.size());
    return;
  }
  // An unfinished comment, and each after it, ends at its first '>' after all; other markup is a comment up to the end.
  if (!loose_comments_ && html_.substr(mark_).starts_with("<!--")) {
    loose_comments_ = true;
    next_ = mark_;
    run();
    return;
  }
  const char kind = at(mark_ + 1);
  const bool markup =
      mark_ + 1 == html_.size() || begins_name(kind) || kind == '/' || kind == '!' || kind == '?';
  if (markup)
    (void)comment_until(html_.size());
  else
    emit_tail(html_.size());
}

}  // namespace ringpost::filter
