// The files that the sendmail command leaves: anybody on the machine may write one.
#include "ringpost/inject/pickup_format.hpp"

#include "fuzz_input.hpp"

using namespace ringpost;

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const fuzz::Exact exact(fuzz::Input(bytes, size).rest());
  const auto message = inject::parse_pickup(exact.text());
  (void)inject::is_pickup_name(exact.text());
  if (!message) {
    RP_ASSERT(!message.error().text.empty());
    return 0;
  }
  RP_ASSERT(!message->recipients.empty());
  RP_ASSERT(message->body.size() <= size);
  for (const inject::PickupRecipient& recipient : message->recipients)
    RP_ASSERT(!recipient.address.contains('\n'));
  const auto again = inject::parse_pickup(inject::format_pickup(*message));
  RP_ASSERT(again.has_value() && again->sender == message->sender &&
            again->recipients == message->recipients);
  RP_ASSERT(again->dsn_return == message->dsn_return && again->envelope_id == message->envelope_id);
  RP_ASSERT(again->smtputf8 == message->smtputf8 && again->body == message->body);
  return 0;
}
