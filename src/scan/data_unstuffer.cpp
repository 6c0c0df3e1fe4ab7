#include "ringpost/scan/data_unstuffer.hpp"

#include <algorithm>
#include <cstring>

#include "ringpost/base/assert.hpp"
#include "ringpost/scan/crc32c.hpp"

#include "fast_lines.hpp"

namespace ringpost::scan {

namespace {

constexpr std::size_t kSlowRun = 64;  // bytes one by one before the fast form is tried again

}  // namespace

struct DataUnstuffer::Output {
  std::byte* next;
  std::byte* end;
  FactsTracker& tracker;

  std::size_t room() const { return static_cast<std::size_t>(end - next); }
  void put(std::uint8_t value) {
    *next++ = std::byte{value};
    tracker.byte(value);
  }
};

void DataUnstuffer::reset(LineEndPolicy policy) {
  policy_ = policy;
  state_ = State::line_start;
  tracker_.reset();
}

// The bytes that take(value) will put.
std::size_t DataUnstuffer::room_for(std::uint8_t value) const {
  if (state_ == State::line_start && value == '.') return 0;
  if (state_ == State::dot && value == '\r') return 0;
  if (state_ == State::dot_cr && value == '\n') return 0;
  const bool normalize = policy_ == LineEndPolicy::normalize;
  if (state_ == State::dot_cr) return normalize ? 3 : 2;
  return normalize && tracker_.after_cr != (value == '\n') ? 2 : 1;
}

void DataUnstuffer::take(std::uint8_t value, Output& output) {
  RP_ASSERT(state_ != State::end);
  switch (state_) {
    case State::line_start:
      if (value == '.') {
        state_ = State::dot;
        return;
      }
      break;
    case State::dot:
      if (value == '\r') {
        state_ = State::dot_cr;
        return;
      }
      break;
    case State::dot_cr:
      if (value == '\n') {
        state_ = State::end;
        return;
      }
      take_text('\r', output);  // it was a bare one, on a line that began with a stuffed dot
      break;
    case State::in_line:
    case State::end:
      break;
  }
  take_text(value, output);
}

// A byte of the message. Only a CRLF that came as one makes the next dot special: after a line end that we
// made, the sender's dot is text.
void DataUnstuffer::take_text(std::uint8_t value, Output& output) {
  const bool pair = tracker_.after_cr && value == '\n';
  if (policy_ == LineEndPolicy::normalize && !pair) {
    if (tracker_.after_cr) {
      ++tracker_.facts.bare_cr;
      output.put('\n');
    }
    if (value == '\n') {
      ++tracker_.facts.bare_lf;
      output.put('\r');
    }
  }
  output.put(value);
  state_ = pair ? State::line_start : State::in_line;
}

// After a line end that we made, the input is in a line and the output at the start of one: the fast form
// knows one state for both.
bool DataUnstuffer::can_go_fast() const {
  return state_ == State::line_start || (state_ == State::in_line && !tracker_.at_line_start());
}

// Until `in` is used up, `output` has no room for the next byte, or the data end.
void DataUnstuffer::fuse(std::span<const std::byte> in, Output& output, Step& step, bool vectors) {
  const FastRules rules{.stop_at_dot = true, .stop_at_bare = policy_ == LineEndPolicy::normalize};
  while (step.consumed < in.size() && state_ != State::end) {
    std::size_t slow = in.size();  // bytes to take one by one
    if (vectors) {
      const std::size_t taken = can_go_fast() ? fast(in.subspan(step.consumed), output, rules) : 0;
      step.consumed += taken;
      // One is enough to pass a stuffed dot. When nothing could be taken, a line end to mend lies within a block.
      slow = taken == 0 ? kSlowRun : 1;
    }
    for (; step.consumed < in.size() && state_ != State::end && (slow != 0 || !can_go_fast());
         ++step.consumed) {
      const auto value = std::to_integer<std::uint8_t>(in[step.consumed]);
      if (output.room() < room_for(value)) {
        step.status = StepStatus::output_full;
        return;
      }
      take(value, output);
      if (slow != 0) --slow;
    }
  }
}

std::size_t DataUnstuffer::fast(std::span<const std::byte> in, Output& output, FastRules rules) {
  const std::size_t taken =
      take_fast(in.first(std::min(in.size(), output.room())), output.next, tracker_, rules);
  output.next += taken;
  if (taken != 0) state_ = tracker_.at_line_start() ? State::line_start : State::in_line;
  return taken;
}

Step DataUnstuffer::run(std::span<const std::byte> in, std::span<std::byte> out, bool vectors) {
  Step step;
  while (true) {
    const std::span<std::byte> window =
        out.subspan(step.produced, std::min(out.size() - step.produced, kFusedBlockSize));
    Output output{window.data(), window.data() + window.size(), tracker_};
    step.status = StepStatus::need_input;
    fuse(in, output, step, vectors);
    const auto made = window.first(window.size() - output.room());
    tracker_.facts.crc32c = (vectors ? crc32c : crc32c_scalar)(made, tracker_.facts.crc32c);
    const bool last_window = window.size() == out.size() - step.produced;
    step.produced += made.size();
    if (state_ == State::end) step.status = StepStatus::end_of_data;
    if (step.status != StepStatus::output_full || last_window) return step;
  }
}

Step DataUnstuffer::step(std::span<const std::byte> in, std::span<std::byte> out) {
  return run(in, out, true);
}

Step DataUnstuffer::step_scalar(std::span<const std::byte> in, std::span<std::byte> out) {
  return run(in, out, false);
}

void BodyFactsPass::reset() {
  tracker_.reset();
}

void BodyFactsPass::step(std::span<const std::byte> chunk, std::byte* out) {
  const FastRules rules{.stop_at_dot = false, .stop_at_bare = false};
  while (!chunk.empty()) {
    const auto block = chunk.first(std::min(chunk.size(), kFusedBlockSize));
    const std::size_t taken = take_fast(block, out, tracker_, rules);
    copy_slowly(block.subspan(taken), out + taken);
    tracker_.facts.crc32c = crc32c({out, block.size()}, tracker_.facts.crc32c);
    out += block.size();
    chunk = chunk.subspan(block.size());
  }
}

void BodyFactsPass::step_scalar(std::span<const std::byte> chunk, std::byte* out) {
  copy_slowly(chunk, out);
  tracker_.facts.crc32c = crc32c_scalar({out, chunk.size()}, tracker_.facts.crc32c);
}

void BodyFactsPass::copy_slowly(std::span<const std::byte> bytes, std::byte* out) {
  for (const std::byte value : bytes) {
    *out++ = value;
    tracker_.byte(std::to_integer<std::uint8_t>(value));
  }
}

const BodyFacts& BodyFactsPass::finish() {
  tracker_.finish();
  return tracker_.facts;
}

}  // namespace ringpost::scan
