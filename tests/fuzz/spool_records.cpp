// The payloads of the spool's own records, as a disk may give them.
#include "spool/records.hpp"

#include "fuzz_input.hpp"

using namespace ringpost;

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const fuzz::Exact exact(fuzz::Input(bytes, size).rest());
  if (const auto negation = spool::decode_negation(exact.bytes())) {
    // Eight octets are the least that each entry takes: a count that lies would allocate without a bound.
    RP_ASSERT(negation->segments.size() + negation->outcomes.size() <= size / 8);
    std::vector<std::byte> again;
    spool::encode(*negation, again);
    RP_ASSERT(again.size() == size);
    const auto reread = spool::decode_negation(again);
    RP_ASSERT(reread.has_value() && reread->segments == negation->segments);
    RP_ASSERT(reread->outcomes.size() == negation->outcomes.size());
  }
  RP_ASSERT(spool::decode_header<spool::EnvelopeHeader>(exact.bytes()).has_value() == (size >= 16));
  RP_ASSERT(spool::decode_header<spool::ChunkHeader>(exact.bytes()).has_value() == (size >= 8));
  return 0;
}
