// A message as a multi-line response: dots stuffed, cut after the lines that TOP asks, ended by ".".
//
// Layer:   pure. Pieces are slices of the given bytes, or of constants: nothing is copied.
// Owner:   the flow that sends; one for each message, fed its bytes in order, split anywhere.
// RFCs:    1939 sections 3, 5 (RETR) and 7 (TOP).
//
//   MessageWriter writer(retrieve.lines);
//   std::array<MessageWriter::Piece, 64> pieces;
//   while (!slice.empty() && !writer.complete()) {
//     const auto step = writer.write(slice, pieces);
//     co_await send(std::span(pieces).first(step.pieces));
//     slice = slice.subspan(step.consumed);
//   }
//   co_await send(writer.finish());
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "ringpost/scan/dot_stuffer.hpp"

namespace ringpost::pop3 {

class MessageWriter {
 public:
  using Piece = scan::DotStuffer::Piece;
  using Step = scan::DotStuffer::Step;

  // `lines` of the body behind the header; nullopt: all.
  explicit MessageWriter(std::optional<std::uint64_t> lines = {}) : lines_left_(lines) {}

  // Covers as much of `slice` as `out` has pieces for. All of the slice is consumed once complete() is true.
  Step write(std::span<const std::byte> slice, std::span<Piece> out);
  // TOP has all its lines: the rest of the message need not be read.
  bool complete() const { return complete_; }
  // ".CRLF", with a CRLF before it when the message did not end in one.
  Piece finish() const { return stuffer_.finish(); }

 private:
  std::size_t wanted(std::span<const std::byte> slice);

  scan::DotStuffer stuffer_;
  std::optional<std::uint64_t> lines_left_;
  std::size_t measured_ = 0;  // bytes at the front of the next slice that are known to be wanted
  bool in_header_ = true;
  bool line_empty_ = true;  // nothing but CR since the last line end
  bool cut_ = false;        // the wanted lines end behind `measured_`
  bool complete_ = false;
};

}  // namespace ringpost::pop3
