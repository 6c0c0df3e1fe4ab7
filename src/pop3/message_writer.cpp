#include "ringpost/pop3/message_writer.hpp"

#include <algorithm>

#include "ringpost/scan/find.hpp"

namespace ringpost::pop3 {

// How many bytes at the front of `slice` belong to what TOP asks. Each byte is looked at once.
std::size_t MessageWriter::wanted(std::span<const std::byte> slice) {
  if (!lines_left_) return slice.size();
  while (measured_ < slice.size() && !cut_) {
    if (!in_header_ && *lines_left_ == 0) {
      cut_ = true;
      break;
    }
    const auto rest = slice.subspan(measured_);
    const std::size_t end = scan::find_byte(rest, std::byte{'\n'});
    const std::string_view line = scan::as_text(rest.first(std::min(end, rest.size())));
    line_empty_ = line_empty_ && line.find_first_not_of('\r') == std::string_view::npos;
    if (end == scan::kNotFound) {
      measured_ = slice.size();
      break;
    }
    measured_ += end + 1;
    if (!in_header_)
      --*lines_left_;
    else if (line_empty_)
      in_header_ = false;
    line_empty_ = true;
  }
  return measured_;
}

MessageWriter::Step MessageWriter::write(std::span<const std::byte> slice, std::span<Piece> out) {
  if (complete_) return {slice.size(), 0};
  const std::size_t size = wanted(slice);
  Step step{0, 0};
  if (size != 0) step = stuffer_.scan(slice.first(size), out);
  measured_ = lines_left_ ? size - step.consumed : 0;
  if (cut_ && step.consumed == size) {
    complete_ = true;
    step.consumed = slice.size();
  }
  return step;
}

}  // namespace ringpost::pop3
