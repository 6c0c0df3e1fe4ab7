// The spool's ENVELOPE record: any bytes decode or are refused, and what decodes is written and read the same.
#include "ringpost/mail/envelope_record.hpp"

#include <string>
#include <vector>

#include "ringpost/mail/limits.hpp"

#include "fuzz_input.hpp"

using namespace ringpost;

namespace {

void check_same(const mail::EnvelopeRecord& a, const mail::EnvelopeRecord& b) {
  RP_ASSERT(a.reverse_path() == b.reverse_path() && a.envid() == b.envid());
  RP_ASSERT(a.auth_submitter() == b.auth_submitter() && a.body() == b.body());
  RP_ASSERT(a.smtputf8() == b.smtputf8() && a.dsn_return() == b.dsn_return());
  RP_ASSERT(a.facts().arrival == b.facts().arrival && a.facts().expiry == b.facts().expiry);
  RP_ASSERT(a.facts().received_count == b.facts().received_count && a.facts().flags == b.facts().flags);
  RP_ASSERT(a.recipient_count() == b.recipient_count());
  for (std::size_t i = 0; i < a.recipient_count(); ++i) {
    RP_ASSERT(a.recipient(i).address == b.recipient(i).address &&
              a.recipient(i).notify == b.recipient(i).notify);
    RP_ASSERT(a.recipient(i).original_recipient == b.recipient(i).original_recipient);
  }
}

std::vector<std::byte> encode(const mail::Envelope& envelope, const mail::ArrivalFacts& facts) {
  std::vector<std::byte> bytes(mail::encoded_envelope_size(envelope, facts));
  RP_ASSERT(mail::encode_envelope(envelope, facts, bytes) == bytes.size());
  return bytes;
}

void check_decode(std::span<const std::byte> bytes) {
  const auto record = mail::EnvelopeRecord::decode(bytes);
  if (!record) {
    RP_ASSERT(record.error().kind == ErrorKind::permanent);
    return;
  }
  mail::Envelope envelope;
  record->copy_to(envelope);
  RP_ASSERT(envelope.recipient_count() == record->recipient_count());
  // Texts of facts may be longer in a strange record than we write them; the rest reads the same.
  const std::vector<std::byte> again = encode(envelope, record->facts());
  const auto reread = mail::EnvelopeRecord::decode(again);
  RP_ASSERT(reread.has_value());
  check_same(*record, *reread);
}

// Random bytes seldom pass the magic, so: a record made from the input, then changed where the input says.
void check_changed(fuzz::Input input) {
  mail::Envelope envelope;
  envelope.set_reverse_path(input.take(input.byte()));
  envelope.set_envid(input.take(input.byte() % 100U));
  const unsigned recipients = input.byte() % 8U;
  for (unsigned i = 0; i < recipients; ++i) {
    const std::string_view address = input.take(input.byte());
    envelope.add_recipient({.address = address,
                            .notify = {static_cast<std::uint8_t>(input.byte() & mail::Notify::kAll)},
                            .original_recipient = input.take(input.byte())});
  }
  mail::ArrivalFacts facts;
  facts.peer_address = "192.0.2.1";
  facts.helo = input.take(input.byte());
  facts.body.size = input.number();
  std::vector<std::byte> bytes = encode(envelope, facts);
  check_decode(bytes);
  while (!input.empty()) {
    const std::size_t where = input.number() % bytes.size();
    bytes[where] ^= std::byte{input.byte()};
  }
  check_decode(bytes);
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  fuzz::Input input(bytes, size);
  if (input.byte() % 2 == 0) {
    const fuzz::Exact exact(input.rest());
    check_decode(exact.bytes());
  } else {
    check_changed(input);
  }
  return 0;
}
