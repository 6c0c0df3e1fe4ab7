// The payloads of the spool's own records, as a disk may give them.
#include "fuzz_input.hpp"
#include "spool/records.hpp"

using namespace ringpost;

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const fuzz::Exact exact(fuzz::Input(bytes, size).rest());
  if (const auto state = spool::decode_state(exact.bytes())) {
    // An outcome takes at least so much: a count that lies would allocate without a bound.
    RP_ASSERT(state->outcomes.size() + state->finished.size() <= size / sizeof(spool::StateItem));
    const auto again =
        spool::decode_state(spool::encode_state(state->outcomes, state->finished, state->whole));
    RP_ASSERT(again.has_value() && again->outcomes == state->outcomes && again->finished == state->finished &&
              again->whole == state->whole);
  }
  const auto segments = spool::decode_segments(exact.bytes());
  RP_ASSERT(segments.size() <= size / sizeof(spool::SegmentItem));
  RP_ASSERT(spool::decode_segments(spool::encode_segments(segments)) == segments);
  return 0;
}
