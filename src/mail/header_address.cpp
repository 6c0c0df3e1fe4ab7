#include "ringpost/mail/header_address.hpp"

#include <algorithm>
#include <optional>

#include "ringpost/mail/address.hpp"
#include "ringpost/mail/header.hpp"
#include "ringpost/mail/limits.hpp"

#include "ascii.hpp"

namespace ringpost::mail {

namespace {

// Bytes of the quoted string at `from`, to its closing quote or the end.
std::size_t quoted_size(std::string_view text, std::size_t from) {
  std::size_t i = from + 1;
  for (; i < text.size() && text[i] != '"'; ++i)
    if (text[i] == '\\') ++i;
  return std::min(i + 1, text.size()) - from;
}

// Bytes of the comment at `from`, to its closing parenthesis or the end.
std::size_t comment_size(std::string_view text, std::size_t from) {
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
std::string without_obsolete_blanks(std::string_view spec) {
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

// Quotes and backslashes off, blanks made one, encoded words decoded.
std::string display_text(std::string_view phrase) {
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
  return decode_encoded_words(trim(out));
}

class ListReader {
 public:
  explicit ListReader(std::string_view text) : text_(text) {}

  HeaderAddressList read() {
    while (at_ < text_.size() && !list_.truncated) step(text_[at_]);
    end_entry();
    return std::move(list_);
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
        group_.clear();
        return;
      case ':':
        ++at_;
        // Only outside of a group, and after a phrase; elsewhere a stray one.
        if (group_.empty() && !angle_) {
          group_ = display_text(words_);
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
    const std::string spec = without_obsolete_blanks(angle_ ? *angle_ : std::string_view(words_));
    if (!spec.empty())
      add(spec, angle_ ? display_text(words_) : display_text(comment_));
    else if (angle_)
      ++list_.refused;  // "Somebody <>"
    words_.clear();
    comment_ = {};
    angle_.reset();
  }

  void add(const std::string& spec, std::string display_name) {
    const PathRules rules{.allow_bare_local_part = true, .smtputf8 = true};
    const std::string path_text = "<" + spec + ">";
    const auto path = parse_path(path_text, rules);
    std::string address;
    if (!path || path->size != path_text.size() || !append_canonical(*path, address)) {
      ++list_.refused;
      return;
    }
    if (list_.addresses.size() == kHeaderAddressesMax) {
      list_.truncated = true;
      return;
    }
    list_.addresses.push_back({std::move(address), std::move(display_name), group_});
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::string words_;
  std::string_view comment_;
  std::optional<std::string_view> angle_;
  std::string group_;
  HeaderAddressList list_;
};

}  // namespace

HeaderAddressList parse_address_list(std::string_view value) {
  return ListReader(value).read();
}

}  // namespace ringpost::mail
