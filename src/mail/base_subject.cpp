// RFC 5256 section 2.1, step by step.
#include "ringpost/mail/base_subject.hpp"

#include "ringpost/mail/address.hpp"
#include "ringpost/mail/header_address.hpp"

#include "ascii.hpp"

namespace ringpost::mail {

namespace {

bool begins_with(std::string_view text, std::string_view lower_prefix) {
  return equal_ignoring_case(text.substr(0, lower_prefix.size()), lower_prefix);
}
bool ends_with(std::string_view text, std::string_view lower_suffix) {
  return text.size() >= lower_suffix.size() &&
         equal_ignoring_case(text.substr(text.size() - lower_suffix.size()), lower_suffix);
}

std::string with_single_blanks(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (!is_space(c))
      out += c;
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
  }
  return out;
}

std::string_view skip_blanks(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  return text;
}

// "[" *BLOBCHAR "]" *WSP at the front: its size, or 0.
std::size_t blob_size(std::string_view text) {
  if (!text.starts_with('[')) return 0;
  const std::size_t end = text.find_first_of("[]", 1);
  if (end == std::string_view::npos || text[end] != ']') return 0;
  return text.size() - skip_blanks(text.substr(end + 1)).size();
}

// ("re" / "fw" / "fwd") *WSP [subj-blob] ":" at the front.
std::size_t reply_size(std::string_view text) {
  std::string_view rest = text;
  for (const std::string_view word : {"fwd", "fw", "re"}) {
    if (!begins_with(rest, word)) continue;
    rest = skip_blanks(rest.substr(word.size()));
    rest.remove_prefix(blob_size(rest));
    return rest.starts_with(':') ? text.size() - rest.size() + 1 : 0;
  }
  return 0;
}

class Remover {
 public:
  explicit Remover(std::string_view text) : text_(text) {}

  bool is_reply() const { return is_reply_; }

  std::string_view base() {
    do {
      no_reply_before_ = nullptr;
      remove_trailers();
      while (remove_leader() || remove_blob()) {
      }
    } while (remove_forward_brackets());
    return text_;
  }

 private:
  // Step 2.
  void remove_trailers() {
    for (;;) {
      if (text_.ends_with(' ')) {
        text_.remove_suffix(1);
      } else if (ends_with(text_, "(fwd)")) {
        text_.remove_suffix(5);
        is_reply_ = true;
      } else {
        return;
      }
    }
  }
  // Step 3: blanks, or blobs and what marks a reply.
  bool remove_leader() {
    if (text_.starts_with(' ')) {
      text_ = skip_blanks(text_);
      return true;
    }
    // Blobs only, and no reply behind them: looked at before. Else a row of blobs would cost its square.
    if (no_reply_before_ != nullptr && text_.data() <= no_reply_before_) return false;
    std::string_view rest = text_;
    while (const std::size_t size = blob_size(rest)) rest.remove_prefix(size);
    const std::size_t size = reply_size(rest);
    if (size == 0) {
      no_reply_before_ = rest.data();
      return false;
    }
    text_ = rest.substr(size);
    is_reply_ = true;
    return true;
  }
  // Step 4: a blob, if something is left without it.
  bool remove_blob() {
    const std::size_t size = blob_size(text_);
    if (size == 0 || size == text_.size()) return false;
    text_.remove_prefix(size);
    return true;
  }
  // Step 6.
  bool remove_forward_brackets() {
    if (!begins_with(text_, "[fwd:") || !text_.ends_with(']')) return false;
    text_ = text_.substr(5, text_.size() - 6);
    is_reply_ = true;
    return true;
  }

  std::string_view text_;
  const char* no_reply_before_ = nullptr;
  bool is_reply_ = false;
};

}  // namespace

BaseSubject base_subject(std::string_view subject) {
  const std::string text = with_single_blanks(decode_encoded_words(subject));
  Remover remover(text);
  std::string base(remover.base());
  return {std::move(base), remover.is_reply()};
}

}  // namespace ringpost::mail
