// The entries of an address field, as people write them: what is an address is the sink's to say.
//
// Layer:   private to `mail`.
// RFCs:    5322 sections 3.4 and 4.4 (obsolete forms).
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "ringpost/mail/header.hpp"
#include "ringpost/mail/limits.hpp"

#include "ascii.hpp"

namespace ringpost::mail {

// Bytes of the quoted string at `from`, to its closing quote or the end.
inline std::size_t quoted_size(std::string_view text, std::size_t from) {
  std::size_t i = from + 1;
  for (; i < text.size() && text[i] != '"'; ++i)
    if (text[i] == '\\') ++i;
  return std::min(i + 1, text.size()) - from;
}

// Bytes of the comment at `from`, to its closing parenthesis or the end.
inline std::size_t comment_size(std::string_view text, std::size_t from) {
  std::size_t depth = 0;
  std::size_t i = from;
  for (; i < text.size(); ++i) {
    if (text[i] == '\\')
      ++i;
    else if (text[i] == '(')
      ++depth;
    else if (text[i] == ')' && --depth == 0)
      break;
    if (depth > kHeaderCommentDepthMax) break;
  }
  return std::min(i + 1, text.size()) - from;
}

// Comments, and blanks around '.' and '@', are an obsolete form of an address; other blanks inside make it none.
inline std::string without_obsolete_blanks(std::string_view spec) {
  std::string out;
  bool blank = false;
  for (std::size_t i = 0; i < spec.size();) {
    const char c = spec[i];
    if (is_space(c) || c == '(') {
      blank = true;
      i += c == '(' ? comment_size(spec, i) : 1;
      continue;
    }
    const bool joins = c == '.' || c == '@' || out.empty() || out.back() == '.' || out.back() == '@';
    if (blank && !joins) out += ' ';
    blank = false;
    const std::size_t size = c == '"' ? quoted_size(spec, i) : 1;
    out += spec.substr(i, size);
    i += size;
  }
  return out;
}

// Quotes and backslashes off, blanks made one; encoded words stay.
inline std::string phrase_text(std::string_view phrase) {
  std::string out;
  bool quoted = false;
  for (std::size_t i = 0; i < phrase.size(); ++i) {
    char c = phrase[i];
    if (c == '"') {
      quoted = !quoted;
      continue;
    }
    if (c == '\\' && i + 1 < phrase.size()) c = phrase[++i];
    if (is_space(c) && !quoted) {
      if (!out.empty() && out.back() != ' ') out += ' ';
      continue;
    }
    out += c;
  }
  return std::string(trim(out));
}

// A sink has entry(words, angle, comment), where `angle` is what stood in "<>"; group_begin(words), group_end(), and full(),
// after which no more is read. Views are valid during the call.
template <class Sink>
class AddressListReader {
 public:
  AddressListReader(std::string_view text, Sink& sink) : text_(text), sink_(sink) {}

  void read() {
    while (at_ < text_.size() && !sink_.full()) step(text_[at_]);
    end_entry();
    if (in_group_) sink_.group_end();
  }

 private:
  void step(char c) {
    switch (c) {
      case '"':
        return append(quoted_size(text_, at_));
      case '[':
        return append(literal_size(at_));
      case '(':
        return take_comment();
      case '<':
        return take_angle();
      case ',':
        ++at_;
        return end_entry();
      case ';':
        ++at_;
        end_entry();
        if (in_group_) sink_.group_end();
        in_group_ = false;
        return;
      case ':':
        ++at_;
        // Only outside of a group, and after a phrase; elsewhere a stray one.
        if (!in_group_ && !angle_) {
          in_group_ = !trim(words_).empty();
          if (in_group_) sink_.group_begin(words_);
          words_.clear();
        }
        return;
      default:
        return append(1);
    }
  }

  void append(std::size_t size) {
    words_ += text_.substr(at_, size);
    at_ += size;
  }

  std::size_t literal_size(std::size_t from) const {
    const std::size_t end = text_.find(']', from);
    return (end == std::string_view::npos ? text_.size() : end + 1) - from;
  }

  void take_comment() {
    const std::string_view whole = text_.substr(at_, comment_size(text_, at_));
    comment_ = whole.substr(1, whole.size() - (whole.size() > 1 && whole.ends_with(')') ? 2 : 1));
    at_ += whole.size();
    words_ += ' ';
  }

  void take_angle() {
    const std::size_t begin = at_;
    std::size_t i = at_ + 1;
    while (i < text_.size() && text_[i] != '>') i += text_[i] == '"' ? quoted_size(text_, i) : 1;
    at_ = std::min(i + 1, text_.size());
    angle_ = text_.substr(begin + 1, std::min(i, text_.size()) - begin - 1);
  }

  void end_entry() {
    sink_.entry(words_, angle_, comment_);
    words_.clear();
    comment_ = {};
    angle_.reset();
  }

  std::string_view text_;
  Sink& sink_;
  std::size_t at_ = 0;
  std::string words_;
  std::string_view comment_;
  std::optional<std::string_view> angle_;
  bool in_group_ = false;
};

}  // namespace ringpost::mail
