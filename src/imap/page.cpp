#include <algorithm>

#include "ringpost/imap/command.hpp"

namespace ringpost::imap {

Page::Span Page::of(std::size_t count) const {
  const std::size_t first = std::min<std::size_t>(std::min(from, to) - 1, count);
  const std::size_t last = std::min<std::size_t>(std::max(from, to), count);
  return from_end ? Span{count - last, count - first} : Span{first, last};
}

}  // namespace ringpost::imap
