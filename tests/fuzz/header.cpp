// The header of any message: fields in order, each inside the message, and what is counted agrees with what is read.
#include "ringpost/mail/header.hpp"

#include <string>

#include "ringpost/mail/address.hpp"
#include "ringpost/mail/date.hpp"
#include "ringpost/mail/mbox.hpp"
#include "ringpost/mail/message_id.hpp"
#include "ringpost/mail/submission.hpp"

#include "fuzz_input.hpp"

using namespace ringpost;

namespace {

void check_fields(std::string_view message) {
  mail::HeaderReader reader(message);
  std::size_t last_end = 0;
  std::size_t received = 0;
  while (const auto field = reader.next()) {
    RP_ASSERT(field->offset >= last_end && field->size > 0);
    last_end = field->offset + field->size;
    RP_ASSERT(last_end <= message.size());
    RP_ASSERT(!field->name.empty());
    RP_ASSERT(field->name.data() == message.data() + field->offset);
    RP_ASSERT(field->name.size() + field->value.size() < field->size + 1);
    RP_ASSERT(mail::unfold(field->value).find('\n') == std::string::npos);
    const auto first = mail::find_field(message, field->name);
    RP_ASSERT(first && first->offset <= field->offset);
    if (mail::equal_ignoring_case(field->name, "Received")) ++received;
    (void)mail::parse_date(field->value);
    const std::string_view id = mail::find_message_id(field->value);
    RP_ASSERT(id.size() <= field->value.size());
  }
  RP_ASSERT(reader.end_offset() <= reader.body_offset() && reader.body_offset() <= message.size());
  RP_ASSERT(mail::count_hops(message).received == received);
  RP_ASSERT(mail::count_fields(message, "received") == received);
}

// Pieces make the same mbox as the whole, and no line of it can be taken for the next message.
void check_mbox(std::string_view message, std::uint8_t seed) {
  std::string whole;
  mail::MboxWriter writer;
  writer.begin("ann@example.com", WallTime{}, whole);
  writer.write(message, whole);
  writer.finish(whole);
  std::string split;
  mail::MboxWriter other;
  other.begin("ann@example.com", WallTime{}, split);
  fuzz::Sizes sizes(seed);
  for (std::string_view rest = message; !rest.empty();) {
    const std::string_view piece = rest.substr(0, sizes(9));
    other.write(piece, split);
    rest.remove_prefix(piece.size());
  }
  other.finish(split);
  RP_ASSERT(whole == split);
  RP_ASSERT(whole.find("\nFrom ") == std::string::npos);
  RP_ASSERT(whole.ends_with("\n\n"));
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  fuzz::Input input(bytes, size);
  const std::uint8_t seed = input.byte();
  const fuzz::Exact exact(input.rest());
  check_fields(exact.text());
  check_mbox(exact.text(), seed);
  (void)mail::delivered_to_before(exact.text(), "ann@example.com");
  const mail::MissingFields missing = mail::find_missing_fields(exact.text());
  RP_ASSERT(missing.date == !mail::find_field(exact.text(), "Date").has_value());
  return 0;
}
