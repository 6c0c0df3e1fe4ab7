#include "ringpost/scan/dot_stuffer.hpp"

#include <algorithm>
#include <array>
#include <bit>

#include "ringpost/scan/find.hpp"

#include "block.hpp"

namespace ringpost::scan {

namespace {

constexpr std::array<std::byte, 5> kEnd{std::byte{'\r'}, std::byte{'\n'}, std::byte{'.'}, std::byte{'\r'},
                                        std::byte{'\n'}};

// The dot of the first CRLF-dot in `bytes`, from `from` on.
std::size_t find_dot_line(std::span<const std::byte> bytes, std::size_t from) {
  std::size_t i = from;
#ifdef __AVX2__
  for (; bytes.size() - i >= kBlockSize + 2; i += kBlockSize) {
    std::uint64_t found =
        Block::load(bytes.data() + i + 1).equal('\n') & Block::load(bytes.data() + i + 2).equal('.');
    if (found == 0) continue;
    found &= Block::load(bytes.data() + i).equal('\r');
    if (found != 0) return i + 2 + static_cast<std::size_t>(std::countr_zero(found));
  }
#endif
  for (; i + 2 < bytes.size(); ++i)
    if (bytes[i] == std::byte{'\r'} && bytes[i + 1] == std::byte{'\n'} && bytes[i + 2] == std::byte{'.'})
      return i + 2;
  return kNotFound;
}

}  // namespace

// The first dot to double that begins a line of `slice`, at its very front too.
std::size_t DotStuffer::first_dot(std::span<const std::byte> slice) const {
  if (slice.empty()) return kNotFound;
  if (line_start_ && !dot_sent_ && slice[0] == std::byte{'.'}) return 0;
  if (after_cr_ && slice.size() > 1 && slice[0] == std::byte{'\n'} && slice[1] == std::byte{'.'}) return 1;
  return find_dot_line(slice, 0);
}

// Slices up to each dot and with it, then from it on: the dot is named twice, and nothing is inserted or copied.
template <class NextDot>
DotStuffer::Step DotStuffer::cover(std::span<const std::byte> slice, std::span<Piece> out, NextDot next_dot) {
  Step step;
  bool doubled = dot_sent_;
  std::size_t dot = next_dot(0);
  for (; dot != kNotFound && step.pieces < out.size(); dot = next_dot(dot + 1)) {
    out[step.pieces++] = slice.subspan(step.consumed, dot + 1 - step.consumed);
    step.consumed = dot;
    doubled = true;
  }
  if (dot == kNotFound && step.consumed < slice.size() && step.pieces < out.size()) {
    out[step.pieces++] = slice.subspan(step.consumed);
    step.consumed = slice.size();
    doubled = false;
  }
  pass(slice.first(step.consumed));
  dot_sent_ = doubled;
  return step;
}

DotStuffer::Step DotStuffer::scan(std::span<const std::byte> slice, std::span<Piece> out) {
  return cover(slice, out,
               [&](std::size_t from) { return from == 0 ? first_dot(slice) : find_dot_line(slice, from); });
}

DotStuffer::Step DotStuffer::known(std::span<const std::byte> slice, std::uint64_t slice_offset,
                                   std::span<const std::uint32_t> dots, std::span<Piece> out) {
  auto next =
      std::ranges::lower_bound(dots, slice_offset, {}, [](std::uint32_t dot) { return std::uint64_t{dot}; });
  return cover(slice, out, [&](std::size_t from) {
    for (; next != dots.end() && *next - slice_offset < slice.size(); ++next) {
      const auto dot = static_cast<std::size_t>(*next - slice_offset);
      if (dot >= from && slice[dot] == std::byte{'.'} && !(dot == 0 && dot_sent_)) return dot;
    }
    return kNotFound;
  });
}

DotStuffer::Piece DotStuffer::finish() const {
  return std::span(kEnd).subspan(line_start_ ? 2 : 0);
}

// Bytes that are covered: what do they leave the next one to be?
void DotStuffer::pass(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  const bool cr_before = bytes.size() > 1 ? bytes[bytes.size() - 2] == std::byte{'\r'} : after_cr_;
  line_start_ = cr_before && bytes.back() == std::byte{'\n'};
  after_cr_ = bytes.back() == std::byte{'\r'};
}

}  // namespace ringpost::scan
