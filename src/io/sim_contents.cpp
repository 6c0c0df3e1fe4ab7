#include "sim_contents.hpp"

#include <algorithm>
#include <cstring>

#include "ringpost/base/assert.hpp"

namespace ringpost::io::sim {

namespace {

constexpr std::array<std::byte, Contents::kPage> kZeros{};

// Calls piece(page, begin within it, bytes done before, length) for each page from `begin` to `end`.
void for_each_page(std::uint64_t begin, std::uint64_t end, const auto& piece) {
  for (std::uint64_t at = begin; at < end;) {
    const std::uint64_t next = std::min(end, (at / Contents::kPage + 1) * Contents::kPage);
    piece(static_cast<std::size_t>(at / Contents::kPage), static_cast<std::size_t>(at % Contents::kPage),
          static_cast<std::size_t>(at - begin), static_cast<std::size_t>(next - at));
    at = next;
  }
}

}  // namespace

void Contents::resize(std::uint64_t size) {
  // What grows again grows with zeros.
  if (size < size_ && size % kPage != 0 && pages_[static_cast<std::size_t>(size / kPage)])
    std::ranges::fill(to_write(size), std::byte{0});
  pages_.resize(static_cast<std::size_t>((size + kPage - 1) / kPage));
  size_ = size;
}

void Contents::read(std::uint64_t offset, std::span<std::byte> into) const {
  RP_ASSERT(offset + into.size() <= size_);
  for_each_page(offset, offset + into.size(),
                [&](std::size_t page, std::size_t from, std::size_t done, std::size_t length) {
                  const Page& source = pages_[page] ? *pages_[page] : kZeros;
                  std::memcpy(into.data() + done, source.data() + from, length);
                });
}

void Contents::write(std::uint64_t offset, std::span<const std::byte> from) {
  RP_ASSERT(offset + from.size() <= size_);
  for_each_page(offset, offset + from.size(),
                [&](std::size_t page, std::size_t, std::size_t done, std::size_t length) {
                  const std::byte* const source = from.data() + done;
                  if (!pages_[page] && std::memcmp(source, kZeros.data(), length) == 0) return;
                  std::memcpy(to_write(offset + done).data(), source, length);
                });
}

void Contents::take_over(const Contents& from, std::uint64_t begin, std::uint64_t end) {
  RP_ASSERT(end <= size_ && end <= from.size_);
  for_each_page(begin, end, [&](std::size_t page, std::size_t at, std::size_t done, std::size_t length) {
    // Behind the end there are zeros, in both.
    if (length == kPage || (at == 0 && end == size_ && end == from.size_)) {
      pages_[page] = from.pages_[page];
      return;
    }
    const Page& source = from.pages_[page] ? *from.pages_[page] : kZeros;
    write(begin + done, std::span(source).subspan(at, length));
  });
}

bool Contents::same(const Contents& as, std::uint64_t begin, std::uint64_t end) const {
  RP_ASSERT(end <= size_ && end <= as.size_);
  bool all = true;
  for_each_page(begin, end, [&](std::size_t page, std::size_t at, std::size_t, std::size_t length) {
    const Page& one = pages_[page] ? *pages_[page] : kZeros;
    const Page& other = as.pages_[page] ? *as.pages_[page] : kZeros;
    all = all && (&one == &other || std::memcmp(one.data() + at, other.data() + at, length) == 0);
  });
  return all;
}

std::span<std::byte> Contents::to_write(std::uint64_t offset) {
  std::shared_ptr<Page>& page = pages_[static_cast<std::size_t>(offset / kPage)];
  if (!page)
    page = std::make_shared<Page>(kZeros);
  else if (page.use_count() > 1)
    page = std::make_shared<Page>(*page);
  return std::span(*page).subspan(static_cast<std::size_t>(offset % kPage));
}

}  // namespace ringpost::io::sim
