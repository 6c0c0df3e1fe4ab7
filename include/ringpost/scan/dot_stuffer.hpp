// Sends a message by DATA without copying it: slices of its bytes, with each leading dot named twice.
//
// Layer:   pure. Pieces are slices of the given bytes, or of constants.
// Owner:   the flow that sends; one stuffer for one message, fed its bytes in order, split anywhere.
// Limits:  the caller's array of pieces bounds each step.
// RFCs:    5321 section 4.5.2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace ringpost::scan {

class DotStuffer {
 public:
  using Piece = std::span<const std::byte>;
  struct Step {
    std::size_t consumed = 0;  // bytes of the slice that the pieces cover
    std::size_t pieces = 0;    // pieces written
  };

  // Covers as much of `slice` as `out` has pieces for; looks for the dots. `out` needs at least one piece.
  Step scan(std::span<const std::byte> slice, std::span<Piece> out);
  // The same when the dots are known: `dots` are offsets, ascending, in the bytes of which slice begins at
  // `slice_offset`.
  Step known(std::span<const std::byte> slice, std::uint64_t slice_offset,
             std::span<const std::uint32_t> dots, std::span<Piece> out);
  // After the last slice: ".CRLF", with a CRLF before it when the message did not end in one.
  Piece finish() const;

  void reset() { *this = DotStuffer{}; }

 private:
  std::size_t first_dot(std::span<const std::byte> slice) const;
  template <class NextDot>
  Step cover(std::span<const std::byte> slice, std::span<Piece> out, NextDot next_dot);
  void pass(std::span<const std::byte> bytes);

  bool line_start_ = true;  // the next byte begins a line
  bool after_cr_ = false;
  bool dot_sent_ = false;  // the dot at the front of the next slice has been doubled already
};

}  // namespace ringpost::scan
