// DNS messages from the network: answers to a question of ours, and questions to who plays a server.
#include <string>

#include "ringpost/dns/message.hpp"
#include "ringpost/dns/name.hpp"

#include "fuzz_input.hpp"

using namespace ringpost;

namespace {

void check_name(const dns::Name& name) {
  RP_ASSERT(name.wire().size() <= 255);
  const auto again = dns::Name::parse(name.to_string());
  RP_ASSERT(again && *again == name);
  const auto wire = dns::Name::from_wire(std::as_bytes(std::span(name.wire())));
  RP_ASSERT(wire && *wire == name);
  RP_ASSERT(name.is_root() || name.parent().label_count() + 1 == name.label_count());
}

void check_answer(std::span<const std::byte> message, const dns::Question& asked) {
  const auto answer = dns::parse_message(message, asked);
  if (!answer) {
    RP_ASSERT(answer.error().temporary());
    return;
  }
  RP_ASSERT(answer->ok() == !answer->records.empty());
  RP_ASSERT(answer->ttl >= Duration{0});
  check_name(answer->canonical);
  for (const dns::Data& record : answer->records) {
    if (const auto* mx = std::get_if<dns::Mx>(&record)) check_name(mx->exchange);
    if (const auto* target = std::get_if<dns::Target>(&record)) check_name(target->name);
  }
}

void check_query(std::span<const std::byte> message) {
  const auto query = dns::parse_query(message);
  if (!query) return;
  check_name(query->question.name);
  dns::Message response;
  response.query = *query;
  response.rcode = dns::Rcode::nxdomain;
  const std::vector<std::byte> encoded = response.encode(512);
  RP_ASSERT(encoded.size() <= 512);
  const auto answer = dns::parse_message(encoded, query->question);
  RP_ASSERT(answer.has_value() && !answer->ok());
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  fuzz::Input input(bytes, size);
  constexpr std::array kTypes{dns::Type::a,   dns::Type::aaaa, dns::Type::mx,   dns::Type::txt,
                              dns::Type::ptr, dns::Type::soa,  dns::Type::tlsa, dns::Type::cname};
  const dns::Question asked{*dns::Name::parse("example.com"), kTypes[input.byte() % kTypes.size()]};
  const fuzz::Exact exact(input.rest());
  check_answer(exact.bytes(), asked);
  check_query(exact.bytes());
  if (const auto name = dns::Name::parse(exact.text())) check_name(*name);
  if (const auto name = dns::Name::from_wire(exact.bytes())) check_name(*name);
  return 0;
}
