// The one pass over a message that arrives by DATA, and the like for BDAT: copy, checksum and facts at once.
//
// Layer:   pure. No sockets, clock, logging.
// Owner:   the session that receives the message; reset() between messages.
// Input:   any prefix of the bytes after DATA's 354, split anywhere. Output: the message, without dot stuffing.
// Limits:  none of its own: the caller bounds `out`, and looks at facts().size.
// RFCs:    5321 section 4.5.2 (transparency), 4.1.1.4 (end of data), 3030 (BDAT).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "ringpost/scan/body_facts.hpp"

namespace ringpost::scan {

// What happens to a CR without LF and a LF without CR.
enum class LineEndPolicy : std::uint8_t {
  refuse,     // kept as they are and counted; the receiver refuses the message after its end
  normalize,  // each becomes CRLF in the output, and is counted
};

enum class StepStatus : std::uint8_t {
  need_input,   // all of `in` is consumed
  output_full,  // `out` has no room for what the next byte makes; call again with the rest of `in` and more
                // room
  end_of_data,  // CRLF.CRLF was consumed; what follows in `in` is the next command
};

struct Step {
  std::size_t consumed = 0;
  std::size_t produced = 0;
  StepStatus status = StepStatus::need_input;
};

// The facts of produced bytes, of which both passes below keep one. Private to `scan`.
class FactsTracker {
 public:
  void reset();
  void byte(std::uint8_t value);  // the next produced byte, but for its checksum
  void finish();                  // no byte follows
  bool at_line_start() const { return facts.size == line_begin; }
  void note_dot(std::uint64_t offset);
  void note_line_end(std::uint64_t cr_offset);

  BodyFacts facts;
  std::uint64_t line_begin = 0;  // offset of the first byte of the line begun
  bool after_cr = false;         // the last byte is a CR that may become CRLF
};

struct FastRules;

class DataUnstuffer {
 public:
  explicit DataUnstuffer(LineEndPolicy policy = LineEndPolicy::refuse) { reset(policy); }

  void reset(LineEndPolicy policy);
  // Consumes from `in`, writes to `out`. They may not overlap. `out` needs kStepOutputMin bytes to be sure of progress.
  Step step(std::span<const std::byte> in, std::span<std::byte> out);
  // The same bytes and facts without vector instructions: the oracle of the tests, and the other machines' way.
  Step step_scalar(std::span<const std::byte> in, std::span<std::byte> out);

  // Of all bytes so far; final after end_of_data.
  const BodyFacts& facts() const { return tracker_.facts; }
  bool at_end() const { return state_ == State::end; }

 private:
  enum class State : std::uint8_t {
    line_start,  // after CRLF or at the very beginning: a dot here is stuffing, or the end
    in_line,
    dot,     // that dot, not yet produced
    dot_cr,  // and a CR after it
    end,
  };
  struct Output;  // where produced bytes go; defined beside the code
  std::size_t room_for(std::uint8_t value) const;
  void take(std::uint8_t value, Output& output);
  void take_text(std::uint8_t value, Output& output);
  bool can_go_fast() const;
  std::size_t fast(std::span<const std::byte> in, Output& output, FastRules rules);
  void fuse(std::span<const std::byte> in, Output& output, Step& step, bool vectors);
  Step run(std::span<const std::byte> in, std::span<std::byte> out, bool vectors);

  State state_ = State::line_start;
  LineEndPolicy policy_ = LineEndPolicy::refuse;
  FactsTracker tracker_;
};

// The same facts for bytes that are framed by size: chunks of BDAT, mail from a file. Nothing is changed.
class BodyFactsPass {
 public:
  BodyFactsPass() { reset(); }

  void reset();
  // Copies `chunk` to `out`, which must have room for it, and learns its facts. `out` may be where `chunk` is.
  void step(std::span<const std::byte> chunk, std::byte* out);
  void step_scalar(std::span<const std::byte> chunk, std::byte* out);
  // After the last chunk: a CR or an unfinished line at the end enters the facts.
  const BodyFacts& finish();
  const BodyFacts& facts() const { return tracker_.facts; }

 private:
  void copy_slowly(std::span<const std::byte> bytes, std::byte* out);

  FactsTracker tracker_;
};

}  // namespace ringpost::scan
