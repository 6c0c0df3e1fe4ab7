// The lines of a text that can be blanked out in place, counted from 1 as editors do.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ringpost::config {

class TextLines {
 public:
  explicit TextLines(std::string_view text) : text_(text) {
    for (std::size_t start = 0;;) {
      starts_.push_back(start);
      const std::size_t end = text_.find('\n', start);
      if (end == std::string::npos) break;
      start = end + 1;
    }
  }

  const std::string& text() const { return text_; }
  std::size_t count() const { return starts_.size(); }
  std::string_view line(std::size_t number) const { return between(number, number); }
  // Lines `first` to `last`, both included, without the last line break. Valid until blank().
  std::string_view between(std::size_t first, std::size_t last) const {
    const std::size_t end = last < count() ? starts_[last] - 1 : text_.size();
    return std::string_view(text_).substr(starts_[first - 1], end - starts_[first - 1]);
  }
  std::string_view before(std::size_t number) const {
    return std::string_view(text_).substr(0, starts_[number - 1]);
  }
  void blank(std::size_t first, std::size_t last) {
    const std::size_t begin = starts_[first - 1];
    const std::size_t end = begin + between(first, last).size();
    for (std::size_t i = begin; i < end; ++i)
      if (text_[i] != '\n') text_[i] = ' ';
  }

 private:
  std::string text_;
  std::vector<std::size_t> starts_;
};

inline std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

}  // namespace ringpost::config
